/** Submit: a task of a type that some node runs, with a payload that is looked at while it is typed. */
import type { JSX } from 'preact'
import type { Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Panel, Text, TypeName } from '../parts/small.tsx'
import { mayChange } from '../state/actions.ts'
import { about } from '../state/cluster.ts'
import { counted } from '../state/format.ts'
import * as draft from '../submit/draft.ts'
import { COMMAND_TYPE } from '../../../shared/names.ts'

/** More are in the list of the field alone. */
const TYPES_SHOWN = 12
const PRIORITIES = Array.from({ length: 10 }, (_, n) => 10 - n)

export function SubmitView(): JSX.Element {
  return (
    <div class="submit">
      <h1>New task</h1>
      {mayChange() ? (
        <Form />
      ) : (
        <p class="trouble">This dashboard was started with --read-only: it submits nothing.</p>
      )}
    </div>
  )
}

function Form(): JSX.Element {
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        void draft.submit()
      }}
      onKeyDown={event => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
        event.preventDefault()
        void draft.submit()
      }}
    >
      <Panel title="Type">
        <TypeField />
      </Panel>
      <Panel title="Payload" aside={<span class="muted small">JSON; nothing is null</span>}>
        <PayloadField />
      </Panel>
      <Panel title="Options" aside={<span class="muted small">all may stay as they are</span>}>
        <Options />
      </Panel>
      <div class="tools">
        <button type="submit" class="primary" disabled={!draft.maySubmit.value}>
          {draft.isSending.value ? 'Submitting …' : 'Submit'}
        </button>
        <span class="muted small wide">
          <kbd>Ctrl</kbd> <kbd>Enter</kbd>
        </span>
      </div>
    </form>
  )
}

function TypeField(): JSX.Element {
  const ref = useRef<HTMLInputElement>(null)
  useEffect(() => ref.current?.focus({ preventScroll: true }), [])
  const known = [...draft.knownTypes.value.keys()].filter(
    type => type !== COMMAND_TYPE || about.value.allowSubmit
  )
  return (
    <>
      <input
        ref={ref}
        id="submit-type"
        aria-labelledby="panel-type"
        aria-describedby="submit-type-words"
        list="submit-types"
        autocomplete="off"
        spellcheck={false}
        maxLength={128}
        value={draft.type.value}
        onInput={event => (draft.type.value = event.currentTarget.value)}
      />
      <datalist id="submit-types">
        {known.map(type => (
          <option key={type} value={type} />
        ))}
      </datalist>
      <p id="submit-type-words" class={draft.refusal.value === null ? 'muted small' : 'trouble'}>
        {draft.refusal.value ?? draft.runnerWords.value}
      </p>
      <div class="states" role="group" aria-label="types that are run now">
        {known.slice(0, TYPES_SHOWN).map(type => (
          <button
            key={type}
            type="button"
            aria-pressed={draft.type.value === type}
            onClick={() => (draft.type.value = type)}
          >
            <TypeName type={type} />
          </button>
        ))}
        {known.length > TYPES_SHOWN && (
          <span class="muted small">and {counted(known.length - TYPES_SHOWN, 'more', 'more')}</span>
        )}
      </div>
    </>
  )
}

function PayloadField(): JSX.Element {
  const ref = useRef<HTMLTextAreaElement>(null)
  const fault = draft.fault.value
  const showPlace = (at: number): void => {
    ref.current?.focus()
    ref.current?.setSelectionRange(at, at + 1)
  }
  const hint =
    draft.type.value === COMMAND_TYPE ? '{"argv": ["echo", "hello"]}' : '{"name": "value"}'
  return (
    <>
      <textarea
        ref={ref}
        aria-labelledby="panel-payload"
        aria-describedby="payload-fault"
        aria-invalid={fault !== null}
        rows={8}
        spellcheck={false}
        autocomplete="off"
        placeholder={hint}
        value={draft.payload.value}
        onInput={event => (draft.payload.value = event.currentTarget.value)}
      />
      <p id="payload-fault" class={fault === null ? 'muted small' : 'payload-fault'} role="status">
        {fault === null ? (
          draft.payload.value.trim() !== '' && 'It is JSON.'
        ) : (
          <>
            <Text>{fault.words}</Text>{' '}
            {fault.at !== null && (
              <button type="button" class="quiet" onClick={() => showPlace(fault.at!)}>
                go there
              </button>
            )}
          </>
        )}
      </p>
    </>
  )
}

function Options(): JSX.Element {
  return (
    <div class="fields">
      <label class="field">
        <span>Priority</span>
        <select
          value={String(draft.priority.value)}
          onChange={event => (draft.priority.value = Number(event.currentTarget.value))}
        >
          {PRIORITIES.map(priority => (
            <option key={priority} value={String(priority)}>
              {priority}
              {{ 10: ' (first)', 5: ' (default)', 1: ' (last)' }[priority] ?? ''}
            </option>
          ))}
        </select>
      </label>
      <TextField label="Tags" hint="nightly, urgent" value={draft.tags} />
      <TextField label="Key" hint="the same key is the same task" value={draft.key} />
    </div>
  )
}

function TextField({
  label,
  hint,
  value
}: Readonly<{ label: string; hint: string; value: Signal<string> }>): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="text"
        value={value.value}
        placeholder={hint}
        autocomplete="off"
        spellcheck={false}
        onInput={event => (value.value = event.currentTarget.value)}
      />
    </label>
  )
}
