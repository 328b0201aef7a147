/** Which nodes could run which tasks. Every node says in its heartbeats what it can do, so each can tell for all. */
import { unmet, type LabelCondition, type LabelConditions, type Labels } from '../task/labels.ts'
import type { TaskSpec } from '../task/spec.ts'

/** What a node says about itself. */
export type Capability = Readonly<{
  /** 0: it runs nothing. */
  slots: number
  handlers: readonly string[]
  labels: Labels
}>

/** What a task asks of a node that is to run it. */
export type Demand = Readonly<{ type: string; require: LabelConditions }>

export function demandOf({ type, labels }: TaskSpec): Demand {
  return { type, require: labels.require }
}

export function canRun(node: Capability, demand: Demand): boolean {
  return lackOf(node, demand) === null
}

/** What a node has not that a task asks for: a slot and a handler, or a label as it is required; null: it has all. */
export function lackOf(
  { slots, handlers, labels }: Capability,
  { type, require }: Demand
): 'NoHandler' | LabelCondition | null {
  if (slots === 0 || !handlers.includes(type)) return 'NoHandler'
  return unmet(require, labels) ?? null
}
