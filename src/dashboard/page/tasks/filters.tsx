/** Which tasks are shown: words, states with their counts, type, node, tag, time. All of it is in the address. */
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { useLayoutEffect } from 'preact/hooks'
import { TASK_STATES } from '../../../shared/names.ts'
import { Shape } from '../parts/mark.tsx'
import { nodes } from '../state/cluster.ts'
import { count, localTime, plain } from '../state/format.ts'
import { goWith } from '../state/route.ts'
import type { Filter, TaskList } from '../state/task-list.ts'
import { STATE_WORDS } from '../state/words.ts'

const SPANS = [
  ['5 min', 300_000],
  ['hour', 3_600_000],
  ['day', 86_400_000]
] as const

type Props = Readonly<{ list: TaskList; filter: Filter }>

export function Filters({ list, filter }: Props): JSX.Element {
  const types = Object.keys(list.counts.value?.types ?? {}).filter(type => type !== '(other)')
  const names = nodes.value.flatMap(({ name }) => name ?? [])
  return (
    <div class="filters">
      <div class="fields">
        <Field
          name="q"
          id="search"
          label="Search"
          value={filter.q}
          hint="id, type, tag, node, error"
        />
        <Field name="type" label="Type" value={filter.type} options={types} />
        <Field name="node" label="Node" value={filter.node} options={names} />
        <Field name="tag" label="Tag" value={filter.tag} />
      </div>
      <States list={list} filter={filter} />
      <Times filter={filter} />
    </div>
  )
}

function Field({
  name,
  label,
  value = '',
  id = `filter-${name}`,
  hint = '',
  options = []
}: Readonly<{
  name: string
  label: string
  value?: string | undefined
  id?: string
  hint?: string
  options?: readonly string[]
}>): JSX.Element {
  // What is being typed stands until it is asked for: news of tasks come in between, and draw the field anew.
  const typed = useSignal<string | null>(null)
  useLayoutEffect(() => {
    if (typed.value === value) typed.value = null
  }, [value])
  return (
    <label class={`field is-${name}`}>
      <span>{label}</span>
      <input
        id={id}
        type={name === 'q' ? 'search' : 'text'}
        value={typed.value ?? value}
        placeholder={hint}
        list={options.length > 0 ? `${id}-options` : undefined}
        autocomplete="off"
        spellcheck={false}
        onInput={event => {
          const text = event.currentTarget.value
          typed.value = text === value ? null : text
          later(name, text)
        }}
        onChange={event => goWith({ [name]: event.currentTarget.value }, true)}
      />
      {options.length > 0 && (
        <datalist id={`${id}-options`}>
          {options.map(option => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
    </label>
  )
}

/** As long as somebody types, nothing is asked. */
const TYPING_MS = 250
let typing: ReturnType<typeof setTimeout> | undefined

function later(name: string, value: string): void {
  clearTimeout(typing)
  typing = setTimeout(goWith, TYPING_MS, { [name]: value }, true)
}

function States({ list, filter }: Props): JSX.Element {
  const counts = list.counts.value?.states
  const total = TASK_STATES.reduce((sum, state) => sum + (counts?.[state] ?? 0), 0)
  return (
    <div class="states" role="group" aria-label="state">
      <button
        type="button"
        aria-pressed={filter.state === undefined}
        onClick={() => goWith({ state: null })}
      >
        all {counts !== undefined && <b>{count(total)}</b>}
      </button>
      {TASK_STATES.map(state => (
        <button
          key={state}
          type="button"
          class={`of-${state}`}
          title={STATE_WORDS[state]}
          aria-pressed={filter.state === state}
          onClick={() => goWith({ state: filter.state === state ? null : state })}
        >
          <Shape of={state} />
          {state} {counts !== undefined && <b>{count(counts[state])}</b>}
        </button>
      ))}
    </div>
  )
}

function Times({ filter }: Readonly<{ filter: Filter }>): JSX.Element {
  const set = (ms: number): void => goWith({ since: new Date(Date.now() - ms).toISOString() })
  const { since, until, ref } = filter
  return (
    <div class="times">
      <span class="muted">submitted in the last</span>
      {SPANS.map(([words, ms]) => (
        <button key={words} type="button" class="quiet" onClick={() => set(ms)}>
          {words}
        </button>
      ))}
      {since !== undefined && <Given words={`since ${timeOf(since)}`} name="since" />}
      {until !== undefined && <Given words={`until ${timeOf(until)}`} name="until" />}
      {ref !== undefined && <Given words={`ref ${plain(ref)}`} name="ref" />}
    </div>
  )
}

function Given({ words, name }: Readonly<{ words: string; name: string }>): JSX.Element {
  return (
    <button
      type="button"
      class="given"
      onClick={() => goWith({ [name]: null })}
      aria-label={`${words}: take it away`}
    >
      {words} ×
    </button>
  )
}

function timeOf(text: string): string {
  return Number.isNaN(Date.parse(text)) ? plain(text) : localTime(text)
}
