/**
 * Which nodes could run which tasks. Every node says in its heartbeats what its pools can do, so each can tell for all.
 */
import { unmet, type LabelCondition, type LabelConditions, type Labels } from '../task/labels.ts'
import type { TaskSpec } from '../task/spec.ts'

/** What a pool says about itself. */
export type Capability = Readonly<{
  /** 0: it runs nothing. */
  slots: number
  /** Of tasks. */
  types: readonly string[]
  labels: Labels
}>

/** What a task asks of a pool that is to run it. */
export type Demand = Readonly<{ type: string; require: LabelConditions }>

export function demandOf({ type, labels }: TaskSpec): Demand {
  return { type, require: labels.require }
}

/** Two demands with the same key are the same. */
export function demandKey(demand: Demand): string {
  return demand.require.length === 0 ? demand.type : JSON.stringify(demand)
}

export function canRun(pool: Capability, demand: Demand): boolean {
  return lackOf(pool, demand) === null
}

/** What a pool has not that a task asks for: a slot and a handler, or a label as it is required; null: it has all. */
export function lackOf(
  { slots, types, labels }: Capability,
  { type, require }: Demand
): 'NoHandler' | LabelCondition | null {
  if (slots === 0 || !types.includes(type)) return 'NoHandler'
  return unmet(require, labels) ?? null
}
