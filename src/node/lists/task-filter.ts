/** Which tasks a filter means. */
import { hlcMs } from '../../core/base/hlc.ts'
import type { BootId } from '../../core/base/ids.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import type { TaskFilter } from '../api/node-api.ts'

/** More words, or longer ones, nobody looks for. Each is looked for in each task. */
const SEARCH_LENGTH_MAX = 256
/** A date and a time of day with its offset. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i

type Test = (record: TaskRecord) => boolean

/**
 * Whether a task fits the filter.
 *
 * @param nameOf the name of a holder
 * @throws InvalidOptionError
 */
export function matcherOf(
  filter: TaskFilter,
  core: Pick<CoreView, 'state'>,
  nameOf: (boot: BootId) => string
): Test {
  // What is cheap to ask, and says no to most, first; the state is dearest but for the words.
  const tests = [
    ...equals(filter),
    ...submitted(filter),
    ...held(filter, nameOf),
    ...inState(filter, core),
    ...said(filter, nameOf)
  ]
  const [only] = tests
  if (only === undefined) return () => true
  return tests.length === 1 ? only : record => tests.every(test => test(record))
}

function* equals({ type, tag, ref }: TaskFilter): Generator<Test> {
  if (type !== undefined) yield ({ spec }) => spec.type === type
  if (ref !== undefined) yield ({ spec }) => spec.ref === ref
  if (tag !== undefined) yield ({ spec }) => spec.tags.includes(tag)
}

function* submitted({ since, until }: TaskFilter): Generator<Test> {
  if (since !== undefined) {
    const fromMs = timeMs('since', since)
    yield ({ spec }) => hlcMs(spec.submittedAt) >= fromMs
  }
  if (until !== undefined) {
    const toMs = timeMs('until', until)
    yield ({ spec }) => hlcMs(spec.submittedAt) < toMs
  }
}

function* held({ node }: TaskFilter, nameOf: (boot: BootId) => string): Generator<Test> {
  if (node !== undefined) yield ({ claim }) => nameOf(claim.holder) === node
}

function* inState({ state }: TaskFilter, core: Pick<CoreView, 'state'>): Generator<Test> {
  if (state === undefined) return
  const states = new Set(typeof state === 'string' ? [state] : state)
  yield record => states.has(core.state(record))
}

function* said({ q }: TaskFilter, nameOf: (boot: BootId) => string): Generator<Test> {
  if (q === undefined) return
  if (q.length > SEARCH_LENGTH_MAX) {
    throw new InvalidOptionError(
      `q has ${q.length} characters, at most ${SEARCH_LENGTH_MAX} are allowed`
    )
  }
  const words = q.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return
  yield record => {
    const text = textOf(record, nameOf)
    return words.every(word => text.includes(word))
  }
}

/** What is searched: no word goes from one part into the next. */
function textOf({ spec, claim, outcome }: TaskRecord, nameOf: (boot: BootId) => string): string {
  const error = outcome?.error ?? null
  const failed = error === null ? '' : `${error.name}\n${error.message}`
  const { id, type, ref, idempotencyKey: key, tags } = spec
  return [id, type, ref ?? '', key ?? '', ...tags, nameOf(claim.holder), failed]
    .join('\n')
    .toLowerCase()
}

/** A point in time, in ms since 1970. @throws InvalidOptionError */
export function timeMs(name: string, value: string): number {
  const ms = RFC_3339.test(value) ? Date.parse(value) : Number.NaN
  if (!Number.isNaN(ms)) return ms
  throw new InvalidOptionError(
    `${name} must be a date and time with its offset, such as 2026-01-31T12:00:00Z, not ${JSON.stringify(value)}`
  )
}
