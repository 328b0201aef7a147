/**
 * What has happened so far, as nobody inside can know it: who wrote what, what ran where and how it ended, what callers
 * were told, what was pruned. Checkers compare what nodes do with it.
 */
import type { BootId, TaskId } from '../core/base/ids.ts'
import type { Effect, Run } from '../core/effect.ts'
import type { RunResult } from '../core/input.ts'
import { isSettled, type Outcome, type TaskRecord } from '../core/task/record.ts'
import type { Disk } from './world/disk.ts'
import { isAlone } from './predicates.ts'
import { Violation } from './violation.ts'
import type { SimNode } from './world/sim-node.ts'

/** The task that a write changed, and the state that it wrote. */
export type Write = Readonly<{ taskId: TaskId; state: TaskRecord }>

export class History {
  /** All that ever were, the last one of each id behind the others. */
  readonly nodes: readonly SimNode[]
  /** Origin -> for each of its writes the state that it wrote. */
  readonly written: Map<BootId, Write[]> = new Map()
  /** Accepted task -> the disk that it is on, if it was accepted without a second copy. */
  readonly accepted: Map<TaskId, Disk | null> = new Map()
  /** How the runs of a task ended, in that order. */
  readonly executions: Map<TaskId, RunResult[]> = new Map()
  /** Task -> the outcome that a caller was told, if a disk that has it is left. */
  readonly told: Map<TaskId, Outcome> = new Map()
  /** Tasks whose outcome a caller was told. */
  readonly settled: Set<TaskId> = new Set()
  /** Disks that nobody will ever read again: lost, or of a node that has left. */
  readonly lostDisks: Set<Disk> = new Set()
  /** Of these, those whose nodes came back as themselves, and know less than before. */
  readonly damagedDisks: Set<Disk> = new Set()
  /** A disk is lost, or was damaged. */
  hasLoss: boolean = false
  /** Disks with which nodes are about to come back, in place of lost ones. */
  readonly #returning = new Set<Disk>()
  /** Boots that left while nobody could be talked to, and took their disks with them. */
  readonly leftAlone: Set<BootId> = new Set()
  /** Whether the network has been cut, or a node has stood still, and not all know of all others again since. */
  isCut: boolean = false
  /**
   * Tasks that were submitted before the network was last whole again: two nodes may run one, and not know of each
   * other.
   */
  readonly #apart = new Set<TaskId>()
  /** Tasks that were submitted. */
  readonly #submitted = new Set<TaskId>()
  /** Node -> tasks that it had once. */
  readonly #forgotten = new Map<SimNode, Set<TaskId>>()

  constructor(nodes: readonly SimNode[]) {
    this.nodes = nodes
  }

  /** The nodes that run. */
  alive(): SimNode[] {
    return this.nodes.filter(({ gone }) => !gone)
  }

  /** Callers were told of these. */
  noteTold(node: SimNode, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'settled') this.settled.add(effect.taskId)
      if (effect.kind !== 'accepted') continue
      this.accepted.set(effect.taskId, effect.acks === 0 ? node.options.disk : null)
    }
  }

  /** The network is cut, or a node stands still: from now on a node may not know of all others. */
  cut(): void {
    this.isCut = true
    for (const id of this.#submitted) this.#apart.add(id)
  }

  /** A node has written something of a task, which may be the first that is known of it. */
  noteWritten(id: TaskId): void {
    if (this.#submitted.has(id)) return
    this.#submitted.add(id)
    if (this.isCut) this.#apart.add(id)
  }

  /** Whether the task may be run in two places that do not know of each other, until they do. */
  isApart(id: TaskId): boolean {
    return this.#apart.has(id)
  }

  ran(run: Run, result: RunResult): void {
    const executions = this.executions.get(run.taskId) ?? []
    this.executions.set(run.taskId, [...executions, result])
  }

  /** The node had the task once. What it has pruned may come back to it, from one that was away. */
  hasForgotten(node: SimNode, id: TaskId): boolean {
    return this.#forgotten.get(node)?.has(id) ?? false
  }

  /** A node has pruned it. */
  isForgotten(id: TaskId): boolean {
    return [...this.#forgotten.values()].some(ids => ids.has(id))
  }

  noteForgotten(node: SimNode, effects: readonly Effect[]): void {
    let forgotten = this.#forgotten.get(node)
    if (forgotten === undefined) {
      this.#forgotten.set(node, (forgotten = new Set()))
      // What an earlier boot had on disk as settled counts as told: no caller is told a second time.
      for (const record of node.core.view.records()) {
        if (isSettled(record)) this.settled.add(record.spec.id)
      }
    }
    for (const effect of effects) {
      if (effect.kind !== 'notify' || effect.event.name !== 'task:pruned') continue
      forgotten.add(effect.event.taskId)
    }
  }

  noteLeft(node: SimNode, effects: readonly Effect[]): void {
    if (!effects.some(({ kind }) => kind === 'left')) return
    this.lostDisks.add(node.options.disk)
    if (!isAlone(node)) return
    this.leftAlone.add(node.options.boot)
    if (node.isHurried) this.#leaveBehind(node)
    // It waits for nobody who is down, and so has the last copy of what was on a disk that is lost.
    if (this.hasLoss) this.#dropLost()
  }

  /**
   * What has not settled and is on no other disk stays in the data folder of a node that is told to go alone, and that
   * says how much it is. Nobody is asked for it without the folder.
   */
  #leaveBehind({ options, core }: SimNode): void {
    const others = [...this.disks()]
    const open = [...options.disk.tasks.values()].filter(({ record }) => !isSettled(record))
    const behind = open
      .map(({ record }) => record.spec.id)
      .filter(id => !others.some(({ tasks }) => tasks.has(id)))
    const told = core.view.leftBehind()
    if (behind.length > told) {
      throw new Violation(
        2,
        `${options.name} goes with ${behind.length} tasks that nobody else has, and tells of ${told}`
      )
    }
    for (const id of behind) this.accepted.delete(id)
  }

  /** Disks that are there, or come back with their nodes. */
  disks(): Set<Disk> {
    const all = this.nodes.map(({ options }) => options.disk)
    return new Set([...all, ...this.#returning].filter(disk => !this.lostDisks.has(disk)))
  }

  /**
   * A disk is lost for good. What was on no other one may go with it: two copies do not survive two losses.
   *
   * @param back what its node comes back with. @default nothing
   */
  lose(disk: Disk, back?: Disk): void {
    this.lostDisks.add(disk)
    if (back !== undefined) {
      this.#returning.add(back)
      this.damagedDisks.add(disk)
    }
    this.hasLoss = true
    this.#dropLost()
  }

  /** Nothing is demanded any more of what is on no disk that is left. */
  #dropLost(): void {
    const disks = [...this.disks()]
    for (const id of this.accepted.keys()) {
      if (!disks.some(({ tasks }) => tasks.has(id))) this.accepted.delete(id)
    }
    for (const id of this.told.keys()) {
      const isKept = ({ tasks }: Disk): boolean => {
        const record = tasks.get(id)?.record
        return record !== undefined && isSettled(record)
      }
      if (!disks.some(isKept)) this.told.delete(id)
    }
  }
}
