/**
 * What a task asks of labels, as it is sent. All of it together has a bound, because it is in every node's memory.
 */
import { utf8Length } from '../core/base/utf8.ts'
import { TASK_LIMITS } from '../core/options.ts'
import type { LabelCondition, LabelConditions, LabelRules } from '../core/task/labels.ts'
import { LIMITS } from './limits.ts'
import {
  mapped,
  message,
  nullable,
  real,
  refuse,
  repeated,
  required,
  text,
  type Value
} from './schema.ts'

export function isWithoutRules({ require, prefer }: LabelRules): boolean {
  return require.length === 0 && prefer.length === 0
}

const label = text(LIMITS.labelBytesMax)

/** A number to reach, or texts to choose from: there may be none of these, and then nobody fits. */
const condition: Value<LabelCondition> = mapped(
  message({
    label: required(1, label),
    anyOf: repeated(2, label, TASK_LIMITS.labelValuesMax),
    atLeast: nullable(3, real(Number.MAX_VALUE, -Number.MAX_VALUE))
  }),
  given =>
    'anyOf' in given
      ? { ...given, atLeast: null }
      : { ...given, anyOf: [], atLeast: given.atLeast },
  sent => {
    if (sent.atLeast === null) return { label: sent.label, anyOf: sent.anyOf }
    if (sent.anyOf.length > 0) refuse('a condition with both texts and a number')
    return { label: sent.label, atLeast: sent.atLeast }
  }
)

export const labelRules: Value<LabelRules> = mapped(
  message({
    require: repeated(1, condition, TASK_LIMITS.labelConditionsMax),
    prefer: repeated(2, condition, TASK_LIMITS.labelConditionsMax)
  }),
  (given: LabelRules) => given,
  sent => {
    const bytes = bytesOf(sent.require) + bytesOf(sent.prefer)
    if (bytes <= TASK_LIMITS.labelBytesMax) return sent
    return refuse(`conditions for labels of ${bytes} bytes`)
  }
)

function bytesOf(conditions: LabelConditions): number {
  const texts = conditions.flatMap(given => [given.label, ...('anyOf' in given ? given.anyOf : [])])
  return texts.reduce((sum, each) => sum + utf8Length(each), 0)
}
