/**
 * The invariants, each as a checker that looks on from outside and knows what no single node knows. The numbers are those
 * of the list in src/core/README.md.
 */
import { nodeOf, type BootId, type TaskId } from '../core/base/ids.ts'
import type { Effect, Run } from '../core/effect.ts'
import type { Input, RunResult } from '../core/input.ts'
import type { Message } from '../core/message.ts'
import { CLOSED } from '../core/base/vector.ts'
import { compareValues } from '../core/base/order.ts'
import { isSettled, isStarted, join, type Dot, type TaskRecord } from '../core/task/record.ts'
import type { Disk } from './disk.ts'
import {
  difference,
  endsWithoutRun,
  haveEqualVectors,
  isAble,
  isAlone,
  isBeyond,
  lasting,
  lastingIds,
  seesMajority,
  show,
  waitsForLost
} from './look.ts'
import type { ReclaimChecker } from './reclaim-checker.ts'
import type { SimNode, Witness } from './sim-node.ts'
import { UnreadableChecker } from './unreadable-checker.ts'
import { Violation } from './violation.ts'

export class Checkers implements Witness {
  readonly #nodes: readonly SimNode[]
  readonly #forgets: boolean
  /** Origin -> for each of its writes the state that it wrote. */
  readonly #written = new Map<BootId, { taskId: TaskId; state: TaskRecord }[]>()
  /** Node -> origin -> up to which write its coverage has been checked. */
  readonly #covered = new Map<SimNode, Map<BootId, number>>()
  /** "task epoch" -> who started it last. */
  readonly #started = new Map<string, SimNode>()
  /** "boot task epoch" of all starts that were written down. */
  readonly #begun = new Set<string>()
  readonly #completed = new Map<TaskId, SimNode>()
  readonly #executions = new Map<TaskId, RunResult[]>()
  readonly #merged = new Map<SimNode, Map<TaskId, number>>()
  /** Accepted task -> the disk that it is on, if it was accepted without a second copy. */
  readonly #accepted = new Map<TaskId, Disk | null>()
  readonly #startedOnce = new Set<TaskId>()
  /** Tasks whose outcome somebody was told. */
  readonly #settled = new Set<TaskId>()
  /** Node -> tasks that it has; and those that it had once. */
  readonly #known = new Map<SimNode, Set<TaskId>>()
  readonly #forgotten = new Map<SimNode, Set<TaskId>>()
  /** Boots that left while nobody could be talked to, and took their disks with them. */
  readonly #leftAlone = new Set<BootId>()
  readonly #unreadable: UnreadableChecker
  /** Node -> writes that it covers and could not read, when that was looked at. */
  readonly #unread = new Map<SimNode, Dot[]>()
  #cut = false
  readonly #reclaims: ReclaimChecker

  /** @param forgets all that has settled goes before the run ends */
  constructor(nodes: readonly SimNode[], reclaims: ReclaimChecker, forgets: boolean) {
    this.#nodes = nodes
    this.#reclaims = reclaims
    this.#forgets = forgets
    this.#unreadable = new UnreadableChecker(nodes, this.#written)
  }

  /** How many tasks have settled, as far as anybody was told. */
  get settled(): number {
    return this.#settled.size
  }

  /** Somebody left while nobody could be talked to, and took along what only it had. */
  get hasLoss(): boolean {
    return this.#leftAlone.size > 0
  }

  isAlive(boot: BootId): boolean {
    return this.#nodes.some(node => node.options.boot === boot && !node.gone)
  }

  stepped(node: SimNode, input: Input, effects: readonly Effect[]): void {
    this.#coverage(node)
    for (const effect of effects) {
      if (effect.kind === 'settled') {
        this.#settled.add(effect.taskId)
        this.#told(node, effect.taskId)
      }
      if (effect.kind !== 'accepted') continue
      this.#accepted.set(effect.taskId, effect.acks === 0 ? node.options.disk : null)
    }
    this.#noteForgotten(node)
    for (const effect of effects) {
      if (effect.kind === 'start') this.#start(node, effect.run)
      if (effect.kind === 'notify') this.#reclaims.check(node, effect.event)
      if (effect.kind === 'left' && isAlone(node)) this.#leftAlone.add(node.options.boot)
    }
    if (input.kind === 'message') this.#noteEpochs(node, input.message)
    this.#unreadable.stepped(node, input, effects)
  }

  /** The network is cut in two. Whoever starts then cannot know of everybody, and may run what others run. */
  cut(): void {
    this.#cut = true
  }

  ran(node: SimNode, run: Run, result: RunResult): void {
    const executions = this.#executions.get(run.taskId) ?? []
    this.#executions.set(run.taskId, [...executions, result])
    if (result.status === 'completed') this.#completed.set(run.taskId, node)
  }

  /** When all has calmed down: replicas are equal, everything has settled, and every outcome was really produced. */
  final(): void {
    const [first, ...others] = this.#nodes.filter(({ gone }) => !gone)
    if (first === undefined) return
    const disks = new Set(this.#nodes.filter(({ gone }) => !gone).map(node => node.options.disk))
    for (const [id, onlyCopy] of this.#accepted) {
      if (onlyCopy !== null && !disks.has(onlyCopy)) continue
      if (first.core.view.record(id) === undefined && !this.#settled.has(id)) {
        throw new Violation(2, `${id} was accepted and is lost`)
      }
    }
    this.#unreadable.final()
    for (const record of first.core.view.records()) this.#outcome(first, record)
    if (this.#forgets && seesMajority(first)) {
      this.#retention(first)
      this.#closing(first)
    }
    for (const node of others) {
      if (!haveEqualVectors(first, node)) {
        throw new Violation(
          1,
          `${first.options.name} and ${node.options.name} differ in their vectors`
        )
      }
      if (compareValues(lastingIds(first), lastingIds(node)) !== 0) {
        throw new Violation(
          1,
          `${first.options.name} and ${node.options.name} know different tasks: ${difference(first, node)}`
        )
      }
      for (const record of lasting(first)) {
        const other = node.core.view.record(record.spec.id)!
        if (compareValues(record, other) !== 0) {
          throw new Violation(
            1,
            `${record.spec.id} differs: ${show(first, record)}, ${show(node, other)}`
          )
        }
      }
    }
  }

  /** Invariant 10: what has settled is forgotten in the end, unless one who left alone took along how it was created. */
  #retention(node: SimNode): void {
    const kept = lasting(node).find(
      record => isSettled(record) && !isBeyond(node, record, this.#leftAlone)
    )
    if (kept !== undefined) throw new Violation(10, `${show(node, kept)} is kept for ever`)
  }

  /** Invariant 10: boots that have ended do not stay in the vectors, once nothing of theirs is left. */
  #closing(node: SimNode): void {
    if (lasting(node).length > 0) return
    const current = new Map(
      this.#nodes.filter(({ gone }) => !gone).map(({ id, options }) => [id, options.boot])
    )
    for (const [boot, upTo] of node.core.view.mergedVector()) {
      const newest = current.get(nodeOf(boot))
      // What nobody could read has not been forgotten.
      if (node.core.view.unreadable().some(({ origin }) => origin === boot)) continue
      if (upTo !== CLOSED && newest !== undefined && boot < newest) {
        throw new Violation(10, `${node.options.name} keeps the old boot ${boot} for ever`)
      }
    }
  }

  /** What a node has forgotten may come back to it, from one that was away; but it is never run again (see `start`). */
  #noteForgotten(node: SimNode): void {
    const known = this.#known.get(node) ?? new Set()
    const forgotten = this.#forgotten.get(node) ?? new Set()
    if (!this.#known.has(node)) {
      // What an earlier boot had on disk as settled counts as told: nobody is told a second time.
      for (const record of node.core.view.records()) {
        if (isSettled(record)) this.#settled.add(record.spec.id)
      }
    }
    const now = new Set([...node.core.view.records()].map(({ spec }) => spec.id))
    for (const id of known) if (!now.has(id)) forgotten.add(id)
    this.#known.set(node, now)
    this.#forgotten.set(node, forgotten)
  }

  /** Invariant 1, at every step: what a vector covers has been merged, but for what is kept as unreadable. */
  #coverage(node: SimNode): void {
    const covered = this.#covered.get(node) ?? new Map<BootId, number>()
    this.#covered.set(node, covered)
    for (const [origin, upTo] of node.core.view.mergedVector()) {
      if (upTo === CLOSED) continue
      if (origin === node.options.boot) this.#noteOwn(node, upTo)
      for (let seq = (covered.get(origin) ?? 0) + 1; seq <= upTo; seq++) {
        this.#covers(node, { origin, seq })
      }
      covered.set(origin, upTo)
    }
    const unread = this.#unread.get(node) ?? []
    this.#unread.delete(node)
    for (const dot of unread) this.#covers(node, dot)
  }

  #covers(node: SimNode, dot: Dot): void {
    const { view } = node.core
    const { origin, seq } = dot
    const write = this.#written.get(origin)?.[seq - 1]
    if (write === undefined) throw new Violation(1, `write ${seq} of ${origin} was never made`)
    if (view.isUnreadable(dot)) {
      this.#unread.set(node, [...(this.#unread.get(node) ?? []), dot])
      return
    }
    const record = view.record(write.taskId)
    // What has settled here may have been forgotten elsewhere, with later writes that change nothing any more.
    if (this.#settled.has(write.taskId) && (record === undefined || isSettled(record))) return
    if (record !== undefined && join(record, write.state) === record) return
    const has = record === undefined ? 'nothing' : show(node, record)
    throw new Violation(1, `${node.options.name} covers write ${seq} of ${origin} but has ${has}`)
  }

  #noteOwn(node: SimNode, upTo: number): void {
    const { boot } = node.options
    const writes = this.#written.get(boot) ?? []
    this.#written.set(boot, writes)
    for (let seq = writes.length + 1; seq <= upTo; seq++) {
      const taskId = node.core.view.writtenBy(boot, seq)!
      const state = node.core.view.record(taskId)!
      writes.push({ taskId, state })
      if (isStarted(state) && state.started!.by === boot) this.#priority(node, state)
    }
  }

  #start(node: SimNode, run: Run): void {
    const { taskId, epoch } = run
    const record = node.core.view.record(taskId)!
    const what = `${node.options.name} starts ${taskId} at epoch ${epoch}`
    if (!this.#cut) this.#once(node, run, what)
    if (record.spec.delivery === 'at-most-once') {
      if (this.#startedOnce.has(taskId)) throw new Violation(9, `${what}, once more`)
      this.#startedOnce.add(taskId)
    }
    const merged = this.#merged.get(node)?.get(taskId) ?? 0
    if (epoch < merged) throw new Violation(5, `${what} after merging epoch ${merged}`)
    const needed = record.spec.onDependencyFailure === 'run' ? [] : record.spec.dependsOn
    for (const id of needed) {
      const completions = this.#executions.get(id) ?? []
      if (!completions.some(({ status }) => status === 'completed')) {
        throw new Violation(7, `${what} before ${id} has completed`)
      }
      if (!run.dependencies.has(id)) throw new Violation(7, `${what} without the result of ${id}`)
    }
  }

  /** Invariant 3, which holds as long as everybody can reach everybody. */
  #once(node: SimNode, { taskId, epoch }: Run, what: string): void {
    const other = this.#nodes.find(n => n !== node && !n.gone && n.running.has(taskId))
    if (other !== undefined) throw new Violation(3, `${what} while ${other.options.name} runs it`)
    const completed = this.#completed.get(taskId)
    if (completed !== undefined && !completed.gone) {
      throw new Violation(3, `${what} after ${completed.options.name} completed it`)
    }
    const away = this.#nodes.find(n => !n.gone && this.#forgotten.get(n)?.has(taskId))
    if (away !== undefined) throw new Violation(10, `${what} after ${away.options.name} forgot it`)
    const before = this.#started.get(`${taskId} ${epoch}`)
    if (before !== undefined && !before.gone) {
      throw new Violation(3, `${what} for the second time, after ${before.options.name}`)
    }
    this.#started.set(`${taskId} ${epoch}`, node)
  }

  /** Invariant 8, when the start is written down. The handler may be called later, once another node has it on disk. */
  #priority(node: SimNode, started: TaskRecord): void {
    const { boot, name } = node.options
    const begun = `${boot} ${started.spec.id} ${started.started!.epoch}`
    if (this.#begun.has(begun)) return
    this.#begun.add(begun)
    for (const record of node.core.view.records()) {
      const { spec, claim } = record
      if (claim.holder !== boot || spec.priority <= started.spec.priority) continue
      if (isAble(node, spec) && node.core.view.isReady(spec.id)) {
        throw new Violation(
          8,
          `${name} starts ${started.spec.id} before ${spec.id}, which is ready and of priority ${spec.priority}`
        )
      }
    }
  }

  /** Epochs come from others with batches and grants; its own a node cannot forget. */
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

  #outcome(node: SimNode, record: TaskRecord): void {
    const { spec } = record
    const runnable = this.#nodes.some(n => !n.gone && isAble(n, spec))
    if (!isSettled(record)) {
      const blocked = spec.dependsOn.some(id => waitsForLost(node, id))
      if (runnable && !blocked) throw new Violation(2, `${show(node, record)} has never settled`)
      return
    }
    this.#produced(node, record)
  }

  #told(node: SimNode, taskId: TaskId): void {
    const record = node.core.view.record(taskId)
    if (record !== undefined) return this.#produced(node, record)
    throw new Violation(4, `${node.options.name} tells how ${taskId} ended, and has forgotten it`)
  }

  /** Invariant 4: an outcome that is told comes from a run. */
  #produced(node: SimNode, record: TaskRecord): void {
    const { spec, started, outcome } = record
    if (endsWithoutRun(record)) return
    if (started === null || started.epoch < outcome!.epoch) {
      throw new Violation(4, `${show(node, record)} has ended without a start`)
    }
    if (!this.#executions.get(spec.id)?.some(({ status }) => status === outcome!.status)) {
      throw new Violation(4, `no run of ${spec.id} ended as ${outcome!.status}`)
    }
  }
}
