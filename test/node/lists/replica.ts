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

  add(given: Given = {}): TaskId {
    const {
      atMs = 0,
      type = 'work',
      tags = [],
      ref = null,
      priority = 5,
      holder = BOOTS[0]!
    } = given
    const { state = 'queued', durationMs = 1, message = 'it failed' } = given
    const { dependsOn = [], retryOf = null } = given
    const seq = ++this.#count
    const id = taskId(atMs, holder, seq)
    const submittedAt = atMs * 1000
    const spec = { id, type, tags, ref, priority, dependsOn, retryOf, submittedAt }
    const record = taskOf(holder, seq, { spec, claim: { ...taskOf(holder, seq).claim, holder } })
    const started = state === 'queued' ? null : { epoch: 0, by: holder, at: atMs * 1000 + 1 }
    const at = atMs * 1000 + 2
    const outcome =
      state === 'completed'
        ? outcomeBy(holder, { at, durationMs })
        : state === 'failed'
          ? outcomeBy(holder, {
              at,
              durationMs,
              status: 'failed',
              error: { name: 'TypeError', message, stack: null }
            })
          : null
    this.#tasks.set(id, { ...record, started, outcome })
    return id
  }

  remove(id: TaskId): void {
    this.#tasks.delete(id)
  }
}

function stateOf(record: TaskRecord): TaskState {
  if (isSettled(record)) return record.outcome!.status
  return isStarted(record) ? 'running' : 'queued'
}
