/** What holds whenever a handler is called: invariants 3, 5, 7, 8 and 9. */
import { areApart, computerOf } from '../../../core/base/computers.ts'
import type { TaskId } from '../../../core/base/ids.ts'
import type { Effect, Run } from '../../../core/effect.ts'
import type { Input } from '../../../core/input.ts'
import { DEFAULT_POOL, type Message } from '../../../core/message.ts'
import { isStarted, type TaskRecord } from '../../../core/task/record.ts'
import type { Disk } from '../../world/disk.ts'
import { isAble } from '../../predicates.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'
import type { History } from '../../history.ts'

/** The start of a task that may run at most once. */
type StartedOnce = Readonly<{
  node: SimNode
  epoch: number
  /** Those that knew of it when it happened. */
  disks: readonly Disk[]
  /** Whether nobody else was there. */
  isAlone: boolean
  /** Whether a node on another computer was linked. */
  isApart: boolean
}>

export class StartChecker {
  readonly #history: History
  /** "task epoch" -> who started it last. */
  readonly #started = new Map<string, SimNode>()
  /** "boot task epoch" of all starts that were written down. */
  readonly #begun = new Set<string>()
  readonly #merged = new Map<SimNode, Map<TaskId, number>>()
  /** Task that may run at most once -> its last start. */
  readonly #startedOnce = new Map<TaskId, StartedOnce>()
  /** Task -> who wrote last that it has completed. */
  readonly #completed = new Map<TaskId, SimNode>()

  constructor(history: History) {
    this.#history = history
  }

  /** @param effects of the step, which have not been performed yet */
  check(node: SimNode, effects: readonly Effect[]): void {
    for (const effect of effects) if (effect.kind === 'start') this.#start(node, effect.run)
  }

  /** Epochs come from others with batches and grants; its own a node cannot forget. */
  note(node: SimNode, input: Input): void {
    if (input.kind === 'message') this.#noteEpochs(node, input.message)
  }

  /**
   * Invariant 8, pool by pool, when the start is written down. The handler may be called later, once another node has it on disk.
   * Likewise a task has completed when that is written down, which may be later than its run ended: once its result is
   * elsewhere.
   */
  wrote(node: SimNode, state: TaskRecord): void {
    const { boot } = node.options
    if (isStarted(state) && state.started!.by === boot) this.#priority(node, state)
    const { outcome, spec } = state
    if (outcome?.status === 'completed' && outcome.by === boot) this.#completed.set(spec.id, node)
  }

  #start(node: SimNode, run: Run): void {
    const { taskId, epoch } = run
    const record = node.core.view.record(taskId)!
    const what = `${node.options.name} starts ${taskId} at epoch ${epoch}`
    if (!this.#history.isApart(taskId)) this.#once(node, run, what)
    if (record.spec.delivery === 'at-most-once') {
      if (this.#isStarted(taskId)) throw new Violation(9, `${what}, once more`)
      const isAlone = isOnlyOne(node)
      const disks = isAlone ? [node.options.disk] : this.#knowing(node, run)
      const isApart = isLinkedApart(node)
      this.#startedOnce.set(taskId, { node, epoch, disks, isAlone, isApart })
    }
    const merged = this.#merged.get(node)?.get(taskId) ?? 0
    if (epoch < merged) throw new Violation(5, `${what} after merging epoch ${merged}`)
    const needed = record.spec.onDependencyFailure === 'run' ? [] : record.spec.dependsOn
    for (const id of needed) {
      const completions = this.#history.executions.get(id) ?? []
      if (!completions.some(({ status }) => status === 'completed')) {
        throw new Violation(7, `${what} before ${id} has completed`)
      }
      if (!run.dependencies.has(id)) throw new Violation(7, `${what} without the result of ${id}`)
    }
  }

  /** After others, more disks have gone. Two copies of a start do not survive two losses. */
  lostMore(): void {
    const disks = [...this.#history.disks()]
    for (const id of this.#startedOnce.keys()) {
      const isKept = disks.some(({ tasks }) => (tasks.get(id)?.record.started ?? null) !== null)
      if (!isKept) this.#startedOnce.delete(id)
    }
  }

  /**
   * Whether another node can know that the task has been started. A node that is alone starts it with none to tell, and
   * while its disk is away, or once that is lost, the task may come back out of a file that is older. Likewise if one
   * of two disks comes back damaged while the other is away: its node says that it knows of no start. And one computer
   * may have taken all with it who knew, if no other was linked.
   */
  #isStarted(id: TaskId): boolean {
    const start = this.#startedOnce.get(id)
    if (start === undefined) return false
    const { node, epoch, disks, isAlone, isApart } = start
    const { damagedDisks, lostDisks } = this.#history
    const areAllLost = !isApart && disks.every(disk => lostDisks.has(disk))
    if (areAllLost && this.#knowing(node, { taskId: id, epoch }).length === 0) return false
    if (!isAlone && !disks.some(disk => damagedDisks.has(disk))) return true
    return this.#history.alive().some(({ options }) => disks.includes(options.disk))
  }

  /** Disks that have the start of this run. */
  #knowing(node: SimNode, { taskId, epoch }: Pick<Run, 'taskId' | 'epoch'>): Disk[] {
    const { boot } = node.options
    return [...this.#history.disks()].filter(({ tasks }) => {
      const started = tasks.get(taskId)?.record.started ?? null
      return started !== null && started.by === boot && started.epoch === epoch
    })
  }

  /** Invariant 3, which holds of what is submitted while everybody can reach everybody, and until they cannot. */
  #once(node: SimNode, { taskId, epoch }: Run, what: string): void {
    const alive = this.#history.alive()
    const other = alive.find(n => n !== node && n.running.has(taskId))
    if (other !== undefined) throw new Violation(3, `${what} while ${other.options.name} runs it`)
    const completed = this.#completed.get(taskId)
    if (completed !== undefined && !completed.gone) {
      throw new Violation(3, `${what} after ${completed.options.name} completed it`)
    }
    const away = alive.find(n => this.#history.hasForgotten(n, taskId))
    if (away !== undefined) throw new Violation(10, `${what} after ${away.options.name} forgot it`)
    const before = this.#started.get(`${taskId} ${epoch}`)
    if (before !== undefined && !before.gone) {
      throw new Violation(3, `${what} for the second time, after ${before.options.name}`)
    }
    this.#started.set(`${taskId} ${epoch}`, node)
  }

  #priority(node: SimNode, started: TaskRecord): void {
    const { boot, name } = node.options
    const begun = `${boot} ${started.spec.id} ${started.started!.epoch}`
    if (this.#begun.has(begun)) return
    this.#begun.add(begun)
    const pool = node.pools.find(each => each.name === (started.started!.pool ?? DEFAULT_POOL))
    const pools = pool === undefined ? [] : [pool]
    for (const record of node.core.view.records()) {
      const { spec, claim } = record
      if (claim.holder !== boot || spec.priority <= started.spec.priority) continue
      if (isAble({ pools }, spec) && node.core.view.isReady(spec.id)) {
        throw new Violation(
          8,
          `${name} starts ${started.spec.id} before ${spec.id}, which is ready and of priority ${spec.priority}`
        )
      }
    }
  }

  #noteEpochs(node: SimNode, message: Message): void {
    if (message.kind !== 'batch' && message.kind !== 'grant') return
    const merged = this.#merged.get(node) ?? new Map<TaskId, number>()
    this.#merged.set(node, merged)
    const { view } = node.core
    const ids = message.records.map(({ spec }): TaskId | undefined => spec.id)
    if (message.kind === 'batch') {
      for (const { task } of message.changes ?? []) ids.push(view.writtenBy(task.origin, task.seq))
    }
    for (const id of ids) {
      const record = id === undefined ? undefined : view.record(id)
      if (record !== undefined) merged.set(record.spec.id, record.claim.epoch)
    }
  }
}

/** Whether the node knows of nobody else. */
function isOnlyOne({ core, now }: SimNode): boolean {
  return core.view.members(now).every(({ status }) => status === 'left')
}

/** Whether the node can talk to one on another computer. */
function isLinkedApart({ core, now, options }: SimNode): boolean {
  const computer = computerOf(options.name)
  return core.view
    .members(now)
    .some(({ linked, heartbeat }) => linked && areApart(computerOf(heartbeat.name), computer))
}
