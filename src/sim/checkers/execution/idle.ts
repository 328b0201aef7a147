/**
 * Invariant 11, looked at now and then: no node idles while it or another that it can reach has work for it.
 */
import type { NodeId, TaskId } from '../../../core/base/ids.ts'
import { CORE_DEFAULTS } from '../../../core/options.ts'
import { isSettled, isStarted } from '../../../core/task/record.ts'
import { isCostly } from '../../world/cpu.ts'
import { readyFor } from '../../predicates.ts'
import type { Network } from '../../world/network.ts'
import type { Scenario } from '../../scenario.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

/**
 * Time that a node may idle while another has work for it, with instant disks: some lost questions, a lost link, a
 * sync.
 */
const IDLE_MS_MAX = 5000
/**
 * Writes that are waited for besides. What is granted is on the giver's disk first, after the write that is under way:
 * two. What others asked for as well is shared out, so a slot may stay free until the second answer: two more.
 */
const WRITES_MAX = 4
/** A start that others have to know of first keeps its slot for no longer: the time, and a tick. */
const PROMISED_MS_MAX: number = CORE_DEFAULTS.startSlotMs + CORE_DEFAULTS.tickMs

/**
 * How long a node may not be heard after another process used its identity: until a silent member is suspect, and the
 * next heartbeat is there.
 */
const TWIN_MS_MAX: number = CORE_DEFAULTS.suspectMs + CORE_DEFAULTS.idleHeartbeatMs

/** How much longer a node may idle where work takes its time: a thief has to wait its turn again and again. Guess. */
const COSTLY_MS = 30_000

export class IdleChecker {
  readonly #nodes: readonly SimNode[]
  readonly #network: Network
  readonly #idleMsMax: number
  /** Whether a node that is alone is to idle. */
  readonly #rests: boolean
  readonly #idleSince = new Map<SimNode, number>()
  /** Identity -> when two processes used it last. */
  readonly #twinAt = new Map<NodeId, number>()
  /** Node -> tasks that have begun there and have not been called, and since when. */
  readonly #promised = new Map<SimNode, Map<TaskId, number>>()

  constructor(nodes: readonly SimNode[], network: Network, scenario: Scenario) {
    this.#nodes = nodes
    this.#network = network
    const costMs = isCostly(scenario.cpu) ? COSTLY_MS : 0
    this.#idleMsMax = IDLE_MS_MAX + WRITES_MAX * scenario.diskMsMax + costMs
    this.#rests = scenario.stopAfterIsolatedMs > 0
  }

  check(now: number): void {
    for (const node of this.#nodes) {
      const promised = this.#promisedBy(node, now)
      const work = node.gone ? undefined : this.#workFor(node, promised)
      if (work === undefined) this.#idleSince.delete(node)
      else this.#idle(node, now, work)
    }
  }

  /** The node has just been given something to do, however short: only one that starts nothing at all idles. */
  started(node: SimNode): void {
    this.#idleSince.delete(node)
  }

  #workFor(node: SimNode, promised: number): string | undefined {
    if (node.isBehind || node.isDiskFailing) return undefined
    // One that drains takes no work any more, however long it is still there.
    if (node.core.view.self().draining) return undefined
    if (this.#isConfused(node)) return undefined
    if (node.capability.slots <= node.running.size) return undefined
    if (this.#rests && this.#isAlone(node)) return undefined
    // It cannot see all the work there is.
    if (node.options.read !== null) return undefined
    const work = this.#nodes
      .filter(({ gone, isBehind, isDiskFailing }) => !gone && !isBehind && !isDiskFailing)
      .filter(({ id }) => !this.#network.isCut(node.id, id))
      .filter(holder => !this.#isConfused(holder))
      .map(holder => readyFor(holder, node))
      .find(ready => ready !== undefined)
    if (work === undefined || node.capability.slots <= node.running.size + promised) {
      return undefined
    }
    return work
  }

  /**
   * Of two processes under one identity others hear one; and for a while longer, until the one that has ended is
   * silent.
   */
  #isConfused(node: SimNode): boolean {
    const isTwin = (other: SimNode): boolean =>
      other !== node && other.id === node.id && !other.gone
    if (this.#nodes.some(isTwin)) this.#twinAt.set(node.id, node.now)
    return node.now - (this.#twinAt.get(node.id) ?? -Infinity) < TWIN_MS_MAX
  }

  /** Whether no more than half of all can be heard. */
  #isAlone({ id, core, now }: SimNode): boolean {
    const alive = this.#nodes.filter(({ gone }) => !gone)
    const cutOff = alive.filter(other => this.#network.isCut(id, other.id))
    return cutOff.length * 2 >= alive.length || !core.view.hasQuorum(now)
  }

  #idle(node: SimNode, now: number, work: string): void {
    const since = this.#idleSince.get(node) ?? now
    this.#idleSince.set(node, since)
    if (now - since <= this.#idleMsMax) return
    throw new Violation(11, `${node.options.name} has idled for ${now - since} ms beside ${work}`)
  }

  /** What others have to know of first has a slot before its handler is called, for a moment. */
  #promisedBy(node: SimNode, now: number): number {
    const before = this.#promised.get(node)
    const tasks = new Map<TaskId, number>()
    if (!node.gone) for (const id of begunAt(node)) tasks.set(id, before?.get(id) ?? now)
    this.#promised.set(node, tasks)
    return [...tasks.values()].filter(since => now - since <= PROMISED_MS_MAX).length
  }
}

/** Tasks that have been started here and whose handler has not been called. */
function begunAt({ core, options, running }: SimNode): TaskId[] {
  return [...core.view.records()]
    .filter(
      record =>
        !isSettled(record) &&
        isStarted(record) &&
        record.started!.by === options.boot &&
        !running.has(record.spec.id)
    )
    .map(({ spec }) => spec.id)
}
