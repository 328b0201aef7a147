/**
 * A line of a file of tasks: what it says, and whether that can be.
 *
 * A task may have a `ref`, a name within its file, and depend on those of other lines as `ref:NAME`, before or after
 * its own.
 */
import { InvalidOptionError } from '../../shared/errors.ts'
import { jsonFault, parseJson } from '../../shared/json/json-text.ts'
import { TASK_LIMITS } from '../../core/options.ts'
import { TASK_ID } from '../../shared/names.ts'
import { checkSubmission } from '../../node/tasks/task-options.ts'
import { inUtc } from './in-utc.ts'

/** What holds for lines that do not say otherwise. */
export type Defaults = Readonly<{
  type: string | undefined
  options: Readonly<Record<string, unknown>>
  /** Keys are this and the line's `ref` or number. */
  idempotencyPrefix: string | undefined
  /** Tasks do not get the `ref` of their line: the node is of an older version and knows none. @default false */
  withoutRefs?: boolean
  /** The node ties lines to lines that were sent before them, by their refs. @default false */
  tiesRefs?: boolean
}>

/** A line that is in order by itself. */
export type EachLine = Readonly<{
  line: number
  type: string
  payload: unknown
  options: Readonly<Record<string, unknown>>
  ref: string | null
  /** The refs that it depends on. */
  needs: readonly string[]
  /** What else it depends on that is no whole id: parts of ids, for the node to complete. */
  parts: readonly string[]
}>

const REF_MARK = 'ref:'
const { refBytesMax } = TASK_LIMITS

/** @throws InvalidOptionError PayloadRejectedError TooLargeError, without the number of the line */
export function readEachLine(text: string, line: number, defaults: Defaults): EachLine {
  const { type = defaults.type, payload = null, ref = null, ...own } = parseObject(text)
  checkRef(ref)
  const named = ref === null || defaults.withoutRefs ? {} : { ref }
  if (type === undefined) {
    throw new InvalidOptionError('has no type: add "type", or name one before --each')
  }
  const { idempotencyPrefix } = defaults
  const key =
    idempotencyPrefix === undefined ? {} : { idempotencyKey: idempotencyPrefix + (ref ?? line) }
  const options = withTime({ ...defaults.options, ...key, ...own, ...named })
  const dependsOn = dependenciesOf(options)
  const needs = dependsOn.filter(isRef)
  // A part of an id is for the node to complete, and a ref stands for an id that is still to come.
  const whole = dependsOn.filter(id => typeof id !== 'string' || TASK_ID.test(id))
  const isPart = (id: unknown): id is string => typeof id === 'string' && !TASK_ID.test(id)
  checkSubmission(
    type,
    payload,
    'dependsOn' in options ? { ...options, dependsOn: whole } : options,
    Date.now()
  )
  return {
    line,
    type: type as string,
    payload,
    options,
    ref,
    needs: needs.map(need => need.slice(REF_MARK.length)),
    parts: dependsOn.filter(isPart).filter(id => !isRef(id))
  }
}

/** The options of a line once the tasks that it refers to have ids. */
export function withIds(
  { options }: EachLine,
  ids: ReadonlyMap<string, string>
): Readonly<Record<string, unknown>> {
  if (!('dependsOn' in options)) return options
  const dependsOn = dependenciesOf(options).map(id =>
    isRef(id) ? ids.get(id.slice(REF_MARK.length)) : id
  )
  return { ...options, dependsOn }
}

/** The same, whatever the time zone of the node is. */
function withTime(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { runAt } = options
  return typeof runAt === 'string' ? { ...options, runAt: inUtc(runAt) } : options
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    throw new InvalidOptionError(jsonFault(error))
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new InvalidOptionError('is no object: a task is { "type": ..., "payload": ... }')
}

function checkRef(ref: unknown): asserts ref is string | null {
  if (ref === null) return
  if (typeof ref === 'string' && ref.length > 0 && Buffer.byteLength(ref) <= refBytesMax) return
  throw new InvalidOptionError(`has a ref that is no text of 1 to ${refBytesMax} bytes`)
}

function dependenciesOf({ dependsOn }: Readonly<Record<string, unknown>>): unknown[] {
  if (dependsOn === undefined) return []
  if (Array.isArray(dependsOn)) return dependsOn
  throw new InvalidOptionError('has a dependsOn that is no list')
}

/** How a line names the task of another line. */
export function refMark(ref: string): string {
  return REF_MARK + ref
}

/** Whether this is how a line names the task of another line. */
export function isRef(id: unknown): id is string {
  return typeof id === 'string' && id.startsWith(REF_MARK)
}
