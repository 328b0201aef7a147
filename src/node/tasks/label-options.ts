/**
 * What a task asks of labels, as users write it: `{ require: { gpu: '1', zone: ['a', 'b'], memoryGiB: '>=16' } }`.
 */
import { compareText } from '../../core/base/order.ts'
import { utf8Length } from '../../core/base/utf8.ts'
import { TASK_LIMITS } from '../../core/options.ts'
import type { LabelCondition, LabelConditions, LabelRules } from '../../core/task/labels.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { LABEL_NUMBER } from '../../core/task/shapes.ts'
import { LABEL_NAME, LABEL_VALUE_LENGTH_MAX } from '../../shared/names.ts'
import { isOwn } from '../own-labels.ts'
import { show, wellFormed } from './checks.ts'
import type { LabelConditionsOption } from '../api/node-api.ts'

const AT_LEAST = /^>=\s*(-?\d+(?:\.\d+)?)$/
const { labelConditionsMax, labelValuesMax, labelBytesMax } = TASK_LIMITS

/** @throws InvalidOptionError */
export function labelRules(value: unknown): LabelRules {
  const given = objectOf('labels', value)
  for (const name of Object.keys(given)) {
    if (name === 'require' || name === 'prefer') continue
    throw new InvalidOptionError(`there is no labels.${name}: labels has require and prefer`)
  }
  const rules = {
    require: conditions('labels.require', given['require'] ?? {}),
    prefer: conditions('labels.prefer', given['prefer'] ?? {})
  }
  const bytes = utf8Length(JSON.stringify(rules))
  if (bytes <= labelBytesMax) return rules
  throw new InvalidOptionError(
    `labels has ${bytes} bytes, and ${labelBytesMax} are allowed: give nodes a label for what is meant together`
  )
}

/** The same, as users write it. */
export function shownConditions(given: LabelConditions): LabelConditionsOption {
  return Object.fromEntries(given.map(condition => [condition.label, shownValue(condition)]))
}

/** One condition in words, such as `memoryGiB >= 16`. */
export function conditionText(condition: LabelCondition): string {
  if (isOwn(condition)) return 'commands of a newer version of hearsay'
  if ('atLeast' in condition) return `${condition.label} >= ${condition.atLeast}`
  return `${condition.label} = ${condition.anyOf.join(' or ')}`
}

function conditions(name: string, value: unknown): LabelConditions {
  const entries = Object.entries(objectOf(name, value))
  if (entries.length > labelConditionsMax) {
    throw new InvalidOptionError(
      `${name} has ${entries.length} labels, and ${labelConditionsMax} are allowed`
    )
  }
  return entries
    .sort(([x], [y]) => compareText(x, y))
    .map(([label, wanted]) => condition(name, label, wanted))
}

function condition(name: string, label: string, wanted: unknown): LabelCondition {
  if (!LABEL_NAME.test(label)) {
    throw new InvalidOptionError(
      `${name} cannot name ${show(label)}: a label is 1 to 63 letters, digits, dots, dashes and underscores`
    )
  }
  const [, number] = (typeof wanted === 'string' && AT_LEAST.exec(wanted)) || []
  if (number !== undefined && LABEL_NUMBER.fault(Number(number)) === null) {
    return { label, atLeast: Number(number) }
  }
  const values: unknown[] = Array.isArray(wanted) ? wanted : [wanted]
  const fits = values.length > 0 && values.length <= labelValuesMax && values.every(isValue)
  if (fits) {
    const anyOf = values.map(value => wellFormed(`${name}.${label}`, String(value)))
    return { label, anyOf: [...new Set(anyOf)].sort(compareText) }
  }
  throw new InvalidOptionError(
    `${name}.${label} must be a text, a number, a list of at most ${labelValuesMax} of them, or ">=" and a number, not ${show(wanted)}`
  )
}

function isValue(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return (
    typeof value === 'string' && value.length <= LABEL_VALUE_LENGTH_MAX && !value.startsWith('>=')
  )
}

function shownValue(condition: LabelCondition): string | string[] {
  if ('atLeast' in condition) return `>=${condition.atLeast}`
  const [only, ...others] = condition.anyOf
  return only !== undefined && others.length === 0 ? only : [...condition.anyOf]
}

function objectOf(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new InvalidOptionError(`${name} must be an object, not ${show(value)}`)
}
