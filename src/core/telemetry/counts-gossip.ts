/**
 * Tells the others what this node has counted, and keeps what they tell.
 *
 * It is worth little, so it costs little: what has changed is told every few seconds, all of it once in a while,
 * because gossip may be lost; a node that has counted nothing says nothing. A new peer is told all that is known, of
 * all boots.
 */
import type { NodeId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import type { TypeCounts, Counts } from '../message.ts'
import { Histogram } from './histogram.ts'
import { Ledger, messagesOf } from './ledger.ts'

/** Totals of one type of task, or of all of them. */
export type TypeTotals = Omit<TypeCounts, 'type' | 'runs'> & { readonly runs: Histogram }

export class CountsGossip {
  readonly #context: Context
  readonly #ledger = new Ledger()
  #sequence = 0
  #toldAt = Number.NEGATIVE_INFINITY
  #toldAllAt = Number.NEGATIVE_INFINITY

  constructor(context: Context) {
    this.#context = context
  }

  tick(): void {
    const { now, options, counters } = this.#context
    if (now - this.#toldAt < options.countsMs) return
    this.#toldAt = now
    const changed = counters.takeChanged()
    if (now - this.#toldAllAt < options.countsRepeatMs) return this.#publish(changed)
    this.#toldAllAt = now
    this.#publish(counters.types())
  }

  /** Tells one peer all that is known: it is new, or we are about to go. */
  tell(peer: NodeId): void {
    const { self, emit, counters } = this.#context
    const own = messagesOf(self, ++this.#sequence, counters.types())
    for (const message of [...own, ...this.#ledger.messages()]) {
      emit({ kind: 'send', to: peer, message })
    }
  }

  heard(counts: Counts): void {
    const { self, members } = this.#context
    // Nobody knows better than we do what we have counted.
    if (counts.boot === self) return
    this.#ledger.take(counts)
    this.#ledger.bound(boot => members.isGone(boot))
  }

  /** By type, sorted: what this boot has counted, or all boots of the cluster together, as far as known. */
  totals(of: 'node' | 'cluster'): Map<string, TypeTotals> {
    const own = this.#context.counters.types()
    const all = of === 'node' ? own : [...own, ...this.#ledger.all()]
    const byType = Map.groupBy(all, ({ type }) => type)
    return new Map([...byType.keys()].sort().map(type => [type, totalOf(byType.get(type)!)]))
  }

  #publish(types: readonly TypeCounts[]): void {
    const { self, emit } = this.#context
    if (types.length === 0) return
    for (const message of messagesOf(self, ++this.#sequence, types)) {
      emit({ kind: 'publish', message })
    }
  }
}

function totalOf(all: readonly TypeCounts[]): TypeTotals {
  const total = { completed: 0, failed: 0, cancelled: 0, retried: 0, runs: new Histogram() }
  for (const { completed, failed, cancelled, retried, runs } of all) {
    total.completed += completed
    total.failed += failed
    total.cancelled += cancelled
    total.retried += retried
    total.runs.merge(runs)
  }
  return total
}
