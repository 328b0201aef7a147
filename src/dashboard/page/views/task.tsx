/** One task: first why it is where it is, then its way, what it said, what went in and what came out. */
import type { ComponentChildren, JSX } from 'preact'
import { useSignal, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { NodeEvent, TaskView, WhyView } from '../../../node/api/node-api.ts'
import { StateMark } from '../parts/mark.tsx'
import {
  Copy,
  Loading,
  NodeLink,
  Panel,
  TaskLink,
  Text,
  Time,
  Trouble,
  TypeName
} from '../parts/small.tsx'
import { cancelTask, mayChange, retryTask } from '../state/actions.ts'
import { get, list, RefusedError } from '../state/api.ts'
import { onEvents, onTasks } from '../state/cluster.ts'
import { duration } from '../state/format.ts'
import { viewKeys } from '../state/keys.ts'
import { withNextPulse } from '../state/pulse.ts'
import { commandOf } from '../task/command.ts'
import { Content, ErrorPanel } from '../task/content.tsx'
import { History } from '../task/history.tsx'
import { Logs } from '../task/logs.tsx'
import { Way } from '../task/way.tsx'
import { Why } from '../task/why.tsx'

type Known = Readonly<{ task: TaskView; why: WhyView; history: readonly NodeEvent[] }>
type Found = Readonly<{ known: Signal<Known | null>; trouble: Signal<string | null> }>

/** Not oftener is it asked for, whatever happens to it. */
const AGAIN_MS = 500
/** Why it waits may change without a word of it. */
const REVIEW_MS = 3000

export function TaskDetails({ id }: Readonly<{ id: string }>): JSX.Element {
  const known = useSignal<Known | null>(null)
  const trouble = useSignal<string | null>(null)
  useEffect(() => followTask(id, { known, trouble }), [id])
  if (known.value === null) {
    return trouble.value === null ? <Loading what="the task" /> : <Trouble words={trouble.value} />
  }
  const { task, why, history } = known.value
  return (
    <article class="task">
      <Head task={task} />
      {trouble.value !== null && <Trouble words={trouble.value} />}
      <Why why={why} task={task} />
      {task.error !== null && <ErrorPanel error={task.error} />}
      <Way task={task} history={history} />
      <div class="columns">
        <Facts task={task} />
        <Dependencies task={task} />
      </div>
      <Logs id={task.id} />
      <div class="columns">
        <Content task={task} part="payload" />
        <Content task={task} part="result" />
      </div>
      <History history={history} />
      <Panel title="As a command" aside={<Copy text={commandOf(task)} label="copy as command" />}>
        <pre class="content" tabIndex={0} aria-label="command">
          {commandOf(task)}
        </pre>
      </Panel>
    </article>
  )
}

/** Asks for the task, and again when something has happened to it. Returns how to stop it. */
function followTask(part: string, { known, trouble }: Found): () => void {
  const gone = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  let askedAt = -Infinity
  const ask = async (): Promise<void> => {
    timer = undefined
    askedAt = performance.now()
    try {
      const [task, why, history] = await Promise.all([
        get<TaskView>(`/v1/tasks/${part}`, {}, gone.signal),
        get<WhyView>(`/v1/tasks/${part}/why`, {}, gone.signal),
        list<NodeEvent>(`/v1/tasks/${part}/history`, {}, gone.signal)
      ])
      withNextPulse(() => {
        known.value = { task, why, history }
        trouble.value = null
      })
    } catch (error) {
      if (gone.signal.aborted) return
      const isGone = error instanceof RefusedError && error.problem === 'UnknownTaskError'
      if (isGone || known.value === null) trouble.value = (error as Error).message
    }
  }
  const again = (): void => {
    if (document.hidden) return
    timer ??= setTimeout(() => void ask(), Math.max(0, askedAt + AGAIN_MS - performance.now()))
  }
  const isIt = (id: unknown): boolean => typeof id === 'string' && id.endsWith(part)
  const stops = [
    onEvents(events => {
      if (events.some(({ event, taskId }) => event !== 'task:log' && isIt(taskId))) again()
    }),
    onTasks(({ tasks }) => {
      if (tasks.some(({ id }) => isIt(id))) again()
    })
  ]
  const review = setInterval(() => {
    if (known.value?.task.settledAt === null || known.value === null) again()
  }, REVIEW_MS)
  void ask()
  return () => {
    gone.abort()
    clearTimeout(timer)
    clearInterval(review)
    for (const stop of stops) stop()
  }
}

function Head({ task }: Readonly<{ task: TaskView }>): JSX.Element {
  const { id, state, settledAt, progress } = task
  const mayCancel = settledAt === null
  const mayRetry = state === 'failed' || state === 'cancelled'
  useEffect(() => {
    viewKeys.value = mayChange()
      ? {
          ...(mayCancel ? { c: () => void cancelTask(id) } : {}),
          ...(mayRetry ? { r: () => void retryTask(id) } : {})
        }
      : {}
    return () => (viewKeys.value = {})
  }, [id, mayCancel, mayRetry, mayChange()])
  return (
    <header class="task-head">
      <div>
        <h1>
          <TypeName type={task.type} />
        </h1>
        <p class="id-line">
          <code>{id}</code> <Copy text={id} label="copy id" />
        </p>
      </div>
      <StateMark state={state} />
      {progress !== null && <Progress progress={progress} />}
      <div class="tools">
        <a class="button" href={`/tasks/${id}/graph`}>
          Graph
        </a>
        {mayChange() && mayCancel && (
          <button type="button" onClick={() => void cancelTask(id)}>
            Cancel
          </button>
        )}
        {mayChange() && mayRetry && (
          <button type="button" class="primary" onClick={() => void retryTask(id)}>
            Retry
          </button>
        )}
      </div>
    </header>
  )
}

function Progress({
  progress
}: Readonly<{ progress: NonNullable<TaskView['progress']> }>): JSX.Element {
  const { fraction, message } = progress
  return (
    <p class="progress">
      <progress value={fraction} max={1} aria-label="progress" /> {Math.round(fraction * 100)} %{' '}
      {message !== null && <Text>{message}</Text>}
    </p>
  )
}

function Facts({ task }: Readonly<{ task: TaskView }>): JSX.Element {
  const required = Object.entries(task.labels.require).map(
    ([name, value]) => `${name}=${String(value)}`
  )
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    ['Holder', <NodeLink key="holder" name={task.holder} />],
    ['Submitted', <TimeBy key="submitted" at={task.submittedAt} by={task.submittedBy} />],
    ['Started', task.startedAt === null ? 'not yet' : <Time key="started" at={task.startedAt} />],
    ['Settled', task.settledAt === null ? 'not yet' : <Time key="settled" at={task.settledAt} />],
    ['Last run took', task.durationMs === null ? '' : duration(task.durationMs)],
    ['Attempt', `${task.attempt} of ${task.maxRetries + 1}`],
    ['Priority', `${task.priority} (10 runs first)`],
    ['Tags', task.tags.length === 0 ? '' : <Text key="tags">{task.tags.join(', ')}</Text>],
    ['Needs labels', required.length === 0 ? '' : <Text key="labels">{required.join(', ')}</Text>],
    ['On other disks', String(task.acks)]
  ]
  return (
    <Panel title="Facts">
      <dl class="facts">
        {facts
          .filter(([, value]) => value !== '')
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </Panel>
  )
}

function TimeBy({ at, by }: Readonly<{ at: string; by: string }>): JSX.Element {
  return (
    <>
      <Time at={at} /> on <NodeLink name={by} />
    </>
  )
}

/** More are seen in the graph. */
const DEPENDENCIES_SHOWN = 12

function Dependencies({ task }: Readonly<{ task: TaskView }>): JSX.Element {
  const { dependsOn, retryOf } = task
  const more = dependsOn.length - DEPENDENCIES_SHOWN
  return (
    <Panel title="Depends on" aside={<a href={`/tasks/${task.id}/graph`}>graph</a>}>
      {dependsOn.length === 0 && <p class="muted">On no other task.</p>}
      <ul class="ids">
        {dependsOn.slice(0, DEPENDENCIES_SHOWN).map(id => (
          <li key={id}>
            <TaskLink id={id} />
          </li>
        ))}
      </ul>
      {more > 0 && <p class="muted">and {more} more</p>}
      {retryOf !== null && (
        <p>
          A copy of <TaskLink id={retryOf} />, which was tried again.
        </p>
      )}
    </Panel>
  )
}
