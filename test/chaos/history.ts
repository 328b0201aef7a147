/**
 * What was promised, checked against what was seen from outside: by callers, and by the handlers themselves.
 *
 * A history has nothing from hearsay's own log but the final views. Runs come from lines that handlers wrote, ends of
 * processes and disturbances from whoever caused them. So a fault in the log cannot hide itself.
 */
import type { TaskView } from '../../src/node/api/node-api.ts'

/** One call of the handler, as it noted it itself. Times are ms of the one clock that all processes share. */
export type HandlerRun = Readonly<{
  run: string
  task: string
  epoch: number
  pid: number
  startedAt: number
  /** Null: its process did not live to see the end. */
  endedAt: number | null
  done: boolean
}>

export type History = Readonly<{
  /** Tasks that a node accepted. */
  accepted: ReadonlySet<string>
  runs: readonly HandlerRun[]
  /** When processes ended, by pid. */
  deaths: ReadonlyMap<number, number>
  /** Cuts and pauses, each until its effects are over: only in and around them may a task run twice. */
  disturbances: readonly Readonly<{ from: number; to: number }>[]
  /** What callers were told of a task, and when. */
  told: readonly Readonly<{ task: string; run: string; at: number }>[]
  /** All tasks as each node shows them in the end, by the node's name. */
  views: ReadonlyMap<string, ReadonlyMap<string, TaskView>>
}>

/** The lines of handlers, as runs. */
export function runsOf(lines: string): HandlerRun[] {
  const runs = new Map<string, HandlerRun>()
  for (const line of lines.split('\n').filter(Boolean)) {
    const { what, run, task, epoch, pid, at } = JSON.parse(line)
    if (what === 'started') {
      runs.set(run, { run, task, epoch, pid, startedAt: at, endedAt: null, done: false })
    } else runs.set(run, { ...runs.get(run)!, endedAt: at, done: what === 'done' })
  }
  return [...runs.values()]
}

/** Every promise that was broken, in words; none is what a test expects. */
export function broken(history: History): string[] {
  return [
    ...notKept(history),
    ...notAgreed(history),
    ...madeUp(history),
    ...takenBack(history),
    ...repeated(history)
  ]
}

function notKept({ accepted, views }: History): string[] {
  const faults: string[] = []
  for (const [node, tasks] of views) {
    for (const id of accepted) {
      const task = tasks.get(id)
      if (task === undefined) faults.push(`${node} does not know ${id}, which was accepted`)
      else if (task.state !== 'completed' && !isWornOut(task)) {
        faults.push(`${id} is ${task.state} (${task.reason}) at ${node}`)
      }
    }
  }
  return faults
}

/** Whoever has taken down too many nodes may fail: that they died for another reason it cannot know. */
function isWornOut({ state, reason, lost }: TaskView): boolean {
  return state === 'failed' && reason === 'HolderLost' && lost.length > 0
}

function notAgreed({ views }: History): string[] {
  const faults: string[] = []
  const [first, ...others] = [...views]
  for (const [node, tasks] of others) {
    for (const [id, task] of first![1]) {
      const here = JSON.stringify(agreed(task))
      const there = JSON.stringify(agreed(tasks.get(id)))
      if (here !== there) faults.push(`${id}: ${first![0]} says ${here}, ${node} says ${there}`)
    }
  }
  return faults
}

/** What a node says of a task, as far as all have to agree on it. */
function agreed(task: TaskView | undefined): unknown {
  if (task === undefined) return null
  const { state, reason, epoch, attempt, result, settledAt } = task
  return { state, reason, epoch, attempt, result, settledAt }
}

function madeUp({ runs, views }: History): string[] {
  const done = new Map(runs.filter(run => run.done).map(run => [run.run, run]))
  const [, tasks] = [...views][0]!
  return [...tasks.values()]
    .filter(({ state }) => state === 'completed')
    .filter(({ id, result }) => done.get((result as { run: string }).run)?.task !== id)
    .map(({ id }) => `${id} has a result that none of its runs returned`)
}

function takenBack({ told, views, disturbances }: History): string[] {
  const [, tasks] = [...views][0]!
  return told
    .filter(({ task, run }) => (tasks.get(task)?.result as { run?: string } | null)?.run !== run)
    .filter(({ at }) => !disturbances.some(({ from, to }) => from <= at && at <= to))
    .map(({ task, run }) => `a caller was told that ${task} returned ${run}, which is not so`)
}

/** A task runs again only if the process of its run before has died since, or if nodes could not hear each other. */
function repeated({ runs, deaths, disturbances }: History): string[] {
  const faults: string[] = []
  for (const [task, tried] of Map.groupBy(runs, run => run.task)) {
    const inOrder = tried.toSorted((x, y) => x.startedAt - y.startedAt)
    for (const [i, next] of inOrder.entries()) {
      const before = inOrder[i - 1]
      if (before === undefined || isGivenUp(before, next)) continue
      const diedAt = deaths.get(before.pid)
      if (diedAt !== undefined && diedAt <= next.startedAt) continue
      const [from, to] = [before.startedAt, next.startedAt]
      if (disturbances.some(window => window.from <= to && from <= window.to)) continue
      faults.push(
        `${task} started at ${next.startedAt} by process ${next.pid} under epoch ${next.epoch}, though process ` +
          `${before.pid} had started it at ${before.startedAt} under epoch ${before.epoch} and lived`
      )
    }
  }
  return faults
}

/** Whoever leaves hands on what it aborts. */
function isGivenUp(before: HandlerRun, next: HandlerRun): boolean {
  return !before.done && before.endedAt !== null && before.endedAt <= next.startedAt
}
