/**
 * One word for many tasks. First the number is asked for, and some of them; the deed names that number, and is refused
 * as a whole if it has changed.
 */
import type { JSX } from 'preact'
import { useSignal, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Dialog } from '../parts/dialog.tsx'
import { StateMark } from '../parts/mark.tsx'
import { Loading, TaskLink, Text, Trouble, TypeName } from '../parts/small.tsx'
import { post } from '../state/api.ts'
import type { Action } from '../state/actions.ts'
import type { BulkPreview, BulkResult } from '../state/contract.ts'
import { counted, shortId } from '../state/format.ts'
import type { Filter } from '../state/task-list.ts'

type Stage =
  | { at: 'asking' }
  | { at: 'asked'; dry: BulkPreview }
  | { at: 'doing'; dry: BulkPreview }
  | { at: 'done'; done: BulkResult }
  | { at: 'trouble'; words: string }

const SAMPLE_SHOWN = 5
const REFUSED_SHOWN = 8

export function BulkDialog({
  action,
  filter,
  onClose
}: Readonly<{ action: Action; filter: Filter; onClose: () => void }>): JSX.Element {
  const stage = useSignal<Stage>({ at: 'asking' })
  useEffect(() => {
    void step(stage, async () => {
      const dry = await post<BulkPreview>('/v1/bulk', { action, filter, dryRun: true })
      return { at: 'asked', dry }
    })
  }, [])
  const verb = action === 'cancel' ? 'Cancel' : 'Retry'
  return (
    <Dialog title={`${verb} tasks`} onClose={onClose}>
      <FilterWords filter={filter} />
      <Content stage={stage.value} action={action} />
      <form method="dialog" class="tools">
        {stage.value.at === 'asked' && stage.value.dry.matched > 0 && (
          <button type="button" class="primary" onClick={() => void act(stage, action, filter)}>
            {verb} {counted(stage.value.dry.matched, 'task')}
          </button>
        )}
        <button type="submit">
          {stage.value.at === 'done' ? 'Close' : 'Leave them as they are'}
        </button>
      </form>
    </Dialog>
  )
}

async function act(stage: Signal<Stage>, action: Action, filter: Filter): Promise<void> {
  if (stage.value.at !== 'asked') return
  const { dry } = stage.value
  stage.value = { at: 'doing', dry }
  await step(stage, async () => {
    const body = { action, filter, dryRun: false, expect: dry.matched }
    return { at: 'done', done: await post<BulkResult>('/v1/bulk', body) }
  })
}

async function step(stage: Signal<Stage>, next: () => Promise<Stage>): Promise<void> {
  try {
    stage.value = await next()
  } catch (error) {
    stage.value = { at: 'trouble', words: (error as Error).message }
  }
}

function FilterWords({ filter }: Readonly<{ filter: Filter }>): JSX.Element {
  const given = Object.entries(filter)
  return (
    <p class="muted">
      {given.length === 0
        ? 'All tasks of the cluster, whatever they are.'
        : given.map(([name, value]) => (
            <code key={name}>
              {name}=<Text>{value}</Text>{' '}
            </code>
          ))}
    </p>
  )
}

function Content({ stage, action }: Readonly<{ stage: Stage; action: Action }>): JSX.Element {
  switch (stage.at) {
    case 'asking':
      return <Loading what="how many there are" />
    case 'trouble':
      return <Trouble words={stage.words} />
    case 'asked':
    case 'doing':
      return <Matched dry={stage.dry} isDoing={stage.at === 'doing'} />
    case 'done':
      return <Outcome done={stage.done} action={action} />
  }
}

function Matched({ dry, isDoing }: Readonly<{ dry: BulkPreview; isDoing: boolean }>): JSX.Element {
  return (
    <>
      <p class="big-number">{counted(dry.matched, 'task')}</p>
      {isDoing && <Loading what="what becomes of them" />}
      <ul class="sample">
        {dry.sample.slice(0, SAMPLE_SHOWN).map(task => (
          <li key={task.id}>
            <StateMark state={task.state} /> <TaskLink id={task.id} /> <TypeName type={task.type} />
          </li>
        ))}
      </ul>
      {dry.matched > SAMPLE_SHOWN && (
        <p class="muted">and {counted(dry.matched - SAMPLE_SHOWN, 'more', 'more')}</p>
      )}
    </>
  )
}

function Outcome({ done, action }: Readonly<{ done: BulkResult; action: Action }>): JSX.Element {
  const { changed, refused, refusedMore } = done
  return (
    <div role="status">
      <p class="big-number">
        {counted(changed, 'task')} {action === 'cancel' ? 'cancelled' : 'tried again'}
      </p>
      {refused.length > 0 && (
        <>
          <p>{counted(refused.length + refusedMore, 'task')} refused:</p>
          <ul class="sample">
            {refused.slice(0, REFUSED_SHOWN).map(({ id, why }) => (
              <li key={id}>
                {shortId(id)}: <Text>{why}</Text>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}
