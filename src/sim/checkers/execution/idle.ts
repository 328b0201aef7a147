/**
 * Invariant 11, looked at now and then: no pool of a node idles while that or another node that
 * it can reach has work for it.
 */
import type { NodeId, TaskId } from '../../../core/base/ids.ts'
import { CORE_DEFAULTS } from '../../../core/options.ts'
import type { Pool } from '../../../core/claim/pools.ts'
import { DEFAULT_POOL } from '../../../core/message.ts'
import { isSettled, isStarted, type TaskRecord } from '../../../core/task/record.ts'
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

type Promised = Readonly<{ since: number; pool: string }>

export class IdleChecker {
  readonly #nodes: readonly SimNode[]
  readonly #network: Network
  readonly #idleMsMax: number
  readonly #wakingMsMax: number
  /** Since when a node waits for what it missed while it stood still. */
  readonly #wakingSince = new Map<SimNode, number>()
  /** Whether a node that is alone is to idle. */
  readonly #rests: boolean
  /** Since when a pool of a node has idled beside work. */
  readonly #idleSince = new Map<SimNode, Map<string, number>>()
  /** Identity -> when two processes used it last. */
  readonly #twinAt = new Map<NodeId, number>()
  /** Node -> tasks that have begun there and have not been called: since when, and in which pool. */
  readonly #promised = new Map<SimNode, Map<TaskId, Promised>>()

  constructor(nodes: readonly SimNode[], network: Network, scenario: Scenario) {
    this.#nodes = nodes
    this.#network = network
    const costMs = isCostly(scenario.cpu) ? COSTLY_MS : 0
    this.#idleMsMax = IDLE_MS_MAX + WRITES_MAX * scenario.diskMsMax + costMs
    // It does not wait for longer than it takes to be given up; and a tick.
    this.#wakingMsMax = scenario.unreachableMs + CORE_DEFAULTS.tickMs
    this.#rests = scenario.stopAfterIsolatedMs > 0
  }

  check(now: number): void {
    for (const node of this.#nodes) {
      if (node.gone || node.isBehind) this.#wakingSince.delete(node)
      const promised = this.#promisedBy(node, now)
      const idle = new Map<string, number>()
      for (const pool of node.gone ? [] : node.pools) {
        const work = this.#workFor(node, pool, promised.get(pool.name) ?? 0)
        if (work !== undefined) idle.set(pool.name, this.#idle(node, pool, now, work))
      }
      this.#idleSince.set(node, idle)
    }
  }

  /** The pool has just been given something to do, however short: only one that starts nothing at all idles. */
  started(node: SimNode, pool: string): void {
    this.#idleSince.get(node)?.delete(pool)
  }

  #workFor(node: SimNode, pool: Pool, promised: number): string | undefined {
    const running = [...node.running.values()].filter(run => run.pool === pool.name).length
    if (node.isBehind || node.isDiskFailing) return undefined
    // One that drains takes no work any more, however long it is still there.
    if (node.core.view.self().draining) return undefined
    if (this.#isConfused(node) || this.#isWaking(node)) return undefined
    if (pool.slots <= running + promised) return undefined
    if (this.#rests && this.#isAlone(node)) return undefined
    // It cannot see all the work there is.
    if (node.options.read !== null) return undefined
    return this.#nodes
      .filter(({ gone, isBehind, isDiskFailing }) => !gone && !isBehind && !isDiskFailing)
      .filter(({ id }) => !this.#network.isCut(node.id, id))
      .filter(holder => !this.#isConfused(holder) && !this.#isWaking(holder))
      .map(holder => readyFor(holder, pool))
      .find(ready => ready !== undefined)
  }

  #isWaking(node: SimNode): boolean {
    if (node.core.view.pausedBy !== 'waking') {
      this.#wakingSince.delete(node)
      return false
    }
    const since = this.#wakingSince.get(node) ?? node.now
    this.#wakingSince.set(node, since)
    return node.now - since <= this.#wakingMsMax
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

  /** Since when the pool has idled. */
  #idle(node: SimNode, pool: Pool, now: number, work: string): number {
    const since = this.#idleSince.get(node)?.get(pool.name) ?? now
    if (now - since <= this.#idleMsMax) return since
    const who = `${node.options.name}${pool.name === DEFAULT_POOL ? '' : `, pool ${pool.name},`}`
    throw new Violation(11, `${who} has idled for ${now - since} ms beside ${work}`)
  }

  /** What others have to know of first has a slot before its handler is called, for a moment. */
  #promisedBy(node: SimNode, now: number): ReadonlyMap<string, number> {
    const before = this.#promised.get(node)
    const tasks = new Map<TaskId, Promised>()
    for (const { spec, started } of node.gone ? [] : begunAt(node)) {
      const pool = started!.pool ?? DEFAULT_POOL
      tasks.set(spec.id, before?.get(spec.id) ?? { since: now, pool })
    }
    this.#promised.set(node, tasks)
    const counts = new Map<string, number>()
    for (const { since, pool } of tasks.values()) {
      if (now - since <= PROMISED_MS_MAX) counts.set(pool, (counts.get(pool) ?? 0) + 1)
    }
    return counts
  }
}

/** Tasks that have been started here and whose handler has not been called. */
function begunAt({ core, options, running }: SimNode): TaskRecord[] {
  return [...core.view.records()].filter(
    record =>
      !isSettled(record) &&
      isStarted(record) &&
      record.started!.by === options.boot &&
      !running.has(record.spec.id)
  )
}
