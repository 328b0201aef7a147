/**
 * What a task asks of labels, as it is sent.
 */
import { nullable, struct } from '../core/base/shape.ts'
import type { LabelCondition, LabelRules } from '../core/task/labels.ts'
import { LABEL, LABEL_NUMBER, LABEL_RULES, LABEL_TEXTS } from '../core/task/shapes.ts'
import { at, mapped, message } from './schema.ts'
import { refuse, type Value } from './value.ts'

export function isWithoutRules({ require, prefer }: LabelRules): boolean {
  return require.length === 0 && prefer.length === 0
}

type Sent = Readonly<{ label: string; anyOf: readonly string[]; atLeast: number | null }>

const condition: Value<LabelCondition> = mapped(
  message(struct<Sent>({ label: LABEL, anyOf: LABEL_TEXTS, atLeast: nullable(LABEL_NUMBER) }), {
    label: 1,
    anyOf: 2,
    atLeast: 3
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

export const labelRules: Value<LabelRules> = message(LABEL_RULES, {
  require: at(1, condition),
  prefer: at(2, condition)
})
