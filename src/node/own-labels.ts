/**
 * Labels by which nodes say what they know beyond nodes of earlier versions, for all versions know how to choose nodes by
 * labels. No user can give one of them or ask for it, and none is shown.
 */
import { COMMANDS_LABEL, COMMANDS_REVISION } from '../shared/names.ts'
import { compareText } from '../core/base/order.ts'
import type { LabelCondition, LabelConditions, Labels } from '../core/task/labels.ts'

/** What a node says of itself, beside what it is told to say. */
export function ownLabels(commands: boolean): Labels {
  return commands ? { [COMMANDS_LABEL]: String(COMMANDS_REVISION) } : {}
}

/** The labels that a node was told to have. */
export function givenLabels(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([label]) => label !== COMMANDS_LABEL))
}

/** The conditions that a user has made. */
export function givenConditions(conditions: LabelConditions): LabelConditions {
  return conditions.filter(condition => !isOwn(condition))
}

/** Those, and that only a node of this version or a later one runs the command. */
export function withCommandsOfNow(conditions: LabelConditions): LabelConditions {
  const own = { label: COMMANDS_LABEL, atLeast: COMMANDS_REVISION }
  return [...givenConditions(conditions), own].sort((x, y) => compareText(x.label, y.label))
}

/** Whether a condition is none of a user's. */
export function isOwn({ label }: LabelCondition): boolean {
  return label === COMMANDS_LABEL
}
