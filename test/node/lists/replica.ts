/** Tasks in a map, in the place of a core: as many as a test likes, changed as it likes, with names for their holders. */
import { taskId, type BootId, type TaskId } from '../../../src/core/base/ids.ts'
import { isSettled, isStarted, type TaskRecord } from '../../../src/core/task/record.ts'
import type { TaskState } from '../../../src/core/task/state.ts'
import type { CoreView } from '../../../src/core/view.ts'
import type { TaskRow } from '../../../src/node/api/lists-api.ts'
import type { TaskView } from '../../../src/node/api/node-api.ts'
import { Scans } from '../../../src/node/lists/scans.ts'
import { TaskLists } from '../../../src/node/lists/task-lists.ts'
import { bootOf, outcomeBy, taskOf } from '../../support/tasks.ts'

export const BOOTS: readonly BootId[] = ['a', 'b', 'c'].map(node => bootOf(node))

/** What a task of a test may be. */
export type Given = Readonly<{
  /** Of its submission, in ms. */
  atMs?: number
  type?: string
  tags?: readonly string[]
  ref?: string | null
  priority?: number
  holder?: BootId
  state?: Extract<TaskState, 'queued' | 'running' | 'completed' | 'failed'>
  durationMs?: number
  message?: string
  dependsOn?: readonly TaskId[]
  retryOf?: TaskId | null
}>

export class Replica {
  readonly #tasks = new Map<TaskId, TaskRecord>()
  readonly #given = new Map<TaskId, Readonly<{ seq: number; given: Given }>>()
  #count = 0
  /** How late it is grows with each look, so that a scan is cut after every 64 tasks. */
  #now = 0

  get core(): CoreView {
    return {
      records: () => this.#tasks.values(),
      record: (id: TaskId) => this.#tasks.get(id),
      state: stateOf
    } as unknown as CoreView
  }

  get clock(): { now: () => number; aheadMs: () => number } {
    return { now: () => (this.#now += 10), aheadMs: () => 0 }
  }

  readonly nameOf = (boot: BootId): string => `computer-${boot[0]}/1`

  get lists(): TaskLists {
    const { core, clock, nameOf } = this
    const shown = (record: TaskRecord): { id: TaskId } => ({ id: record.spec.id })
    return new TaskLists({
      core,
      nameOf,
      scans: new Scans(core, clock),
      shown: { view: record => shown(record) as TaskView, row: record => shown(record) as TaskRow }
    })
  }

  get ids(): TaskId[] {
    return [...this.#tasks.keys()]
  }

  get records(): TaskRecord[] {
    return [...this.#tasks.values()]
  }

  /** What a task was made of, as it is now. */
  given(id: TaskId): Given {
    return this.#given.get(id)!.given
  }

  add(given: Given = {}): TaskId {
    const seq = ++this.#count
    const record = recordOf(seq, given)
    const { id } = record.spec
    this.#given.set(id, { seq, given })
    this.#tasks.set(id, record)
    return id
  }

  /** Whatever happens to a task in its life: it starts, settles, is handed on. Where it stands in the map it stays. */
  change(id: TaskId, changes: Pick<Given, 'state' | 'holder' | 'durationMs'>): void {
    const known = this.#given.get(id)!
    const given = { ...known.given, ...changes }
    this.#given.set(id, { ...known, given })
    this.#tasks.set(id, recordOf(known.seq, given))
  }

  remove(id: TaskId): void {
    this.#tasks.delete(id)
  }
}

function recordOf(seq: number, given: Given): TaskRecord {
  const { atMs = 0, type = 'work', tags = [], ref = null, priority = 5, holder = BOOTS[0]! } = given
  const { state = 'queued', durationMs = 1, message = 'it failed' } = given
  const { dependsOn = [], retryOf = null } = given
  // Whoever holds it later, it is the same task.
  const id = taskId(atMs, BOOTS[0]!, seq)
  const submittedAt = atMs * 1000
  const spec = { id, type, tags, ref, priority, dependsOn, retryOf, submittedAt }
  const record = taskOf(holder, seq, { spec, claim: { ...taskOf(holder, seq).claim, holder } })
  const started = state === 'queued' ? null : { epoch: 0, by: holder, at: atMs * 1000 + 1 }
  const end = { at: atMs * 1000 + 2, durationMs }
  const error = { name: 'TypeError', message, stack: null }
  const outcome =
    state === 'completed'
      ? outcomeBy(holder, end)
      : state === 'failed'
        ? outcomeBy(holder, { ...end, status: 'failed', error })
        : null
  return { ...record, started, outcome }
}

function stateOf(record: TaskRecord): TaskState {
  if (isSettled(record)) return record.outcome!.status
  return isStarted(record) ? 'running' : 'queued'
}
