/**
 * Who takes over what a gone holder held: the live node first in line for the task, at once; the next one if it does
 * not.
 *
 * Everybody computes the line by rendezvous weight, so the tasks of one holder spread over all, and as a rule only one
 * node reaches for each. If views differ and two do, the claims' order decides between them.
 */
import { rendezvousWeight } from '../base/rendezvous.ts'
import type { BootId, NodeId, TaskId } from '../base/ids.ts'
import type { Demand } from './capability.ts'
import { canRunIn, type Pool } from './pools.ts'

export type Candidate = Readonly<{ node: NodeId; pools: readonly Pool[] }>

export class ReclaimOrder {
  readonly #stepInMs: number
  /** When a boot was first seen to be gone. */
  readonly #noticed = new Map<BootId, number>()

  constructor(stepInMs: number) {
    this.#stepInMs = stepInMs
  }

  /** Forgets boots that hold nothing any more. */
  keep(holders: Iterable<BootId>): void {
    const current = new Set(holders)
    for (const boot of this.#noticed.keys()) if (!current.has(boot)) this.#noticed.delete(boot)
  }

  /** When a boot was first seen to be gone. */
  noticedAt(now: number, boot: BootId): number {
    const since = this.#noticed.get(boot) ?? now
    this.#noticed.set(boot, since)
    return since
  }

  /** Whether it is this node's turn to take a task of a gone boot. */
  isDue(now: number, boot: BootId, rank: number): boolean {
    return now - this.noticedAt(now, boot) >= rank * this.#stepInMs
  }
}

/** How many candidates stand before this one. Those that can run the task come first. */
export function rankOf(
  taskId: TaskId,
  demand: Demand,
  self: Candidate,
  others: readonly Candidate[]
): number {
  return others.filter(other => isBefore(taskId, demand, other, self)).length
}

/** The first in line of some candidates. There has to be one. */
export function firstOf(taskId: TaskId, demand: Demand, candidates: readonly Candidate[]): NodeId {
  return candidates.reduce((first, each) => (isBefore(taskId, demand, each, first) ? each : first))
    .node
}

function isBefore(taskId: TaskId, demand: Demand, x: Candidate, y: Candidate): boolean {
  const able = Number(canRunIn(x.pools, demand)) - Number(canRunIn(y.pools, demand))
  return able !== 0 ? able > 0 : rendezvousWeight(taskId, x.node) > rendezvousWeight(taskId, y.node)
}
