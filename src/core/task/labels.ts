/**
 * What a task asks of the labels of a node: a list of conditions, each about one label.
 *
 * A condition is met by any of several texts, or by a number that is large enough. Nodes say their labels in
 * heartbeats, so every node can tell for every other one whether it fits.
 */

export type Labels = Readonly<Record<string, string>>

/** The label has one of these texts, or is a number from `atLeast` on. */
export type LabelCondition =
  | Readonly<{ label: string; anyOf: readonly string[] }>
  | Readonly<{ label: string; atLeast: number }>

/** Sorted by label, so that two tasks that ask for the same say the same. */
export type LabelConditions = readonly LabelCondition[]

/** `require`: where the task may run at all. `prefer`: where it runs if there is room. */
export type LabelRules = Readonly<{ require: LabelConditions; prefer: LabelConditions }>

/** The condition that these labels do not meet, if there is one. */
export function unmet(conditions: LabelConditions, labels: Labels): LabelCondition | undefined {
  return conditions.find(condition => !meets(condition, labels))
}

function meets(condition: LabelCondition, labels: Labels): boolean {
  const value = Object.hasOwn(labels, condition.label) ? labels[condition.label]! : undefined
  if (value === undefined) return false
  if ('anyOf' in condition) return condition.anyOf.includes(value)
  // An empty text would count as zero.
  return value.trim() !== '' && Number(value) >= condition.atLeast
}
