/**
 * What callers are told survives the loss of any one computer (invariant 22): at that moment, what was accepted, and
 * how a task has ended, is on a disk of another computer, if one is linked. Where a computer has gone for good, and
 * nothing else has gone wrong, nothing of that is missing, and what was told to have completed is not run again.
 */
import { computerOf } from '../../../core/base/computers.ts'
import type { TaskId } from '../../../core/base/ids.ts'
import type { Effect } from '../../../core/effect.ts'
import type { Input } from '../../../core/input.ts'
import { CORE_DEFAULTS } from '../../../core/options.ts'
import { isBlob, type BlobHash } from '../../../core/task/content.ts'
import { isSettled, type TaskRecord } from '../../../core/task/record.ts'
import { isCostly } from '../../world/cpu.ts'
import type { Scenario } from '../../scenario.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'
import type { History } from '../../history.ts'

const INVARIANT = 22
/** Which members share the blobs is looked at for 2 s, and what is left over goes a second later. */
const LET_GO_MS = 6000

export class ComputerChecker {
  readonly #history: History
  /** Nothing goes wrong but the loss of a computer. */
  readonly #isStill: boolean
  /** "boot request" of submissions that asked for no copy. */
  readonly #uncopied = new Set<string>()
  /** Tasks that were told to have completed. */
  readonly #told = new Set<TaskId>()
  /** Blobs that were on two computers when a node was told so. */
  readonly #safe = new Set<BlobHash>()
  readonly #blobs: number
  #calmAt: number | undefined = undefined
  /** Node -> task -> when it was seen there first to have ended. */
  readonly #endedAt = new Map<SimNode, Map<TaskId, number>>()

  constructor(history: History, scenario: Scenario) {
    const { crashes, crashAll, partitions, pauses, loads, leaving, retentionMs } = scenario
    const { clones, damages } = scenario
    this.#history = history
    this.#blobs = scenario.blobs
    this.#isStill =
      crashes + partitions + pauses + loads + leaving + clones + damages === 0 &&
      !crashAll &&
      retentionMs > 60_000
  }

  /** Whether there is anything to check. */
  static fits({ computers, cpu, lies }: Scenario): boolean {
    return computers > 1 && !isCostly(cpu) && lies === 0
  }

  check(node: SimNode, input: Input, effects: readonly Effect[]): void {
    this.#noteEnds(node)
    const { boot } = node.options
    if (input.kind === 'submit' && input.acks === 0) this.#uncopied.add(`${boot} ${input.request}`)
    for (const effect of effects) {
      if (effect.kind === 'accepted') {
        const isAsked = !this.#uncopied.has(`${boot} ${effect.request}`)
        if (isAsked && effect.acks > 0 && !effect.short) this.#checkAccepted(node, effect.taskId)
      } else if (effect.kind === 'settled') this.#checkTold(node, effect.taskId)
      else if (effect.kind === 'start' && this.#isStill && this.#told.has(effect.run.taskId)) {
        throw violation(`${node.options.name} runs ${effect.run.taskId}, which was told to be over`)
      }
    }
  }

  /**
   * After others, more disks have gone. Of what was on two there are two copies again only after a while; the last one
   * may have been there.
   */
  lostMore(): void {
    const disks = [...this.#history.disks()]
    for (const id of this.#told) {
      const isKept = disks.some(({ tasks }) => (tasks.get(id)?.record.outcome ?? null) !== null)
      if (!isKept) this.#told.delete(id)
    }
    for (const hash of this.#safe) if (this.#placesOf(hash).size === 0) this.#safe.delete(hash)
  }

  /** When all has calmed down, for as long as it takes to let go of what is in more places than it has to be. */
  final(): void {
    const alive = this.#history.alive()
    const [first] = alive
    if (first === undefined || this.#blobs === 0) return
    this.#calmAt ??= first.now
    if (first.now < this.#calmAt + LET_GO_MS) throw violation('it is too early to tell')
    const computers = new Set(alive.map(computer)).size
    for (const hash of new Set([...first.core.view.records()].flatMap(hashesOf))) {
      const keepers = alive.filter(({ options }) => options.disk.blobs.has(hash))
      const places = new Set(keepers.map(computer)).size
      if (places > 1 || (places === 1 && computers === 1)) continue
      const what = `a blob, ${hash.slice(0, 4)},`
      if (places === 1) throw violation(`${what} stays on one computer`)
      if (this.#safe.has(hash)) throw violation(`${what} was on two computers, and is on none`)
    }
  }

  #checkAccepted(node: SimNode, taskId: TaskId): void {
    // It is over and forgotten here, for there was no other yet: nothing is left that could be lost.
    if (!reachesAnother(node) || this.#isPast(node, taskId)) return
    const others = this.#elsewhere(node)
    const isKnown = (other: SimNode): boolean =>
      other.options.disk.tasks.has(taskId) || this.#isPast(other, taskId)
    if (!others.some(isKnown)) throw violation(`${taskId} is accepted, and on one computer only`)
    // It was placed before, when there may have been no other computer.
    const payload = node.core.view.record(taskId)?.spec.payload ?? ''
    if (isBlob(payload)) this.#noteSafe(payload.hash)
  }

  #checkTold(node: SimNode, taskId: TaskId): void {
    const record = node.core.view.record(taskId)
    if (record === undefined || !reachesAnother(node)) return
    // Members that did not answer in time are not waited for.
    const endedAt = this.#endedAt.get(node)?.get(taskId) ?? node.now
    if (node.now - endedAt >= CORE_DEFAULTS.acksTimeoutMs) return
    const others = this.#elsewhere(node)
    const isOver = (other: SimNode): boolean => {
      const there = other.options.disk.tasks.get(taskId)?.record
      // A failure is there still where a claim has undone it since.
      return (there?.outcome ?? null) !== null || this.#isPast(other, taskId)
    }
    if (!others.some(isOver)) throw violation(`${taskId} is told, and over on one computer only`)
    // A failure is undone by a claim of a node that had not heard of it.
    if (record.outcome!.status === 'completed') this.#told.add(taskId)
    const result = record.outcome!.result ?? ''
    if (isBlob(result)) this.#noteSafe(result.hash)
  }

  #noteEnds(node: SimNode): void {
    const ends = this.#endedAt.get(node) ?? new Map<TaskId, number>()
    this.#endedAt.set(node, ends)
    for (const record of node.core.view.records()) {
      const { id } = record.spec
      if (isSettled(record) && !ends.has(id)) ends.set(id, node.now)
      else if (!isSettled(record)) ends.delete(id)
    }
  }

  /** Whether a node had the task and has pruned it. The id of one under a key does not tell. */
  #isPast(node: SimNode, taskId: TaskId): boolean {
    return node.core.view.isForgotten(taskId) || this.#history.hasForgotten(node, taskId)
  }

  /** Nodes on other computers, those included that are down: they come back with their disks. */
  #elsewhere(node: SimNode): SimNode[] {
    return this.#history.nodes.filter(other => computer(other) !== computer(node))
  }

  #noteSafe(hash: BlobHash): void {
    if (this.#placesOf(hash).size > 1) this.#safe.add(hash)
  }

  /** Computers with a disk that has the blob. */
  #placesOf(hash: BlobHash): Set<string | null> {
    const disks = this.#history.disks()
    const having = this.#history.nodes.filter(
      ({ options: { disk } }) => disks.has(disk) && disk.blobs.has(hash)
    )
    return new Set(having.map(computer))
  }
}

function computer({ options }: SimNode): string | null {
  return computerOf(options.name)
}

/** Whether a node on another computer is linked, and has been for longer than it takes to say who it is. */
function reachesAnother(node: SimNode): boolean {
  return node.core.view
    .members(node.now)
    .some(
      ({ linked, status, heartbeat }) =>
        linked && status === 'alive' && computerOf(heartbeat.name) !== computer(node)
    )
}

function hashesOf({ spec, outcome }: TaskRecord): BlobHash[] {
  return [spec.payload, outcome?.result ?? ''].filter(isBlob).map(({ hash }) => hash)
}

function violation(what: string): Violation {
  return new Violation(INVARIANT, what)
}
