/**
 * What the fuzzer does to a cluster: one message into one node, at one moment. A list of them is the whole of what a
 * failing seed has that a quiet one has not, so it is what is made shorter and what is printed.
 */
import type { NodeId } from '../../src/core/base/ids.ts'
import type { Message, News, SyncRequest } from '../../src/core/message.ts'

export type Injection = Readonly<{
  /** Of the rounds of a run, from 0. */
  round: number
  /** Virtual ms since the round began. */
  at: number
  to: NodeId
}> &
  (
    | Readonly<{ kind: 'message'; from: NodeId; message: Message }>
    /** A stranger asks for what it lacks, and hears the answer to its end. */
    | Readonly<{ kind: 'sync'; message: SyncRequest }>
    /** A stranger is asked, the nth time by this node, and answers. */
    | Readonly<{ kind: 'answer'; nth: number; message: News }>
    /** Out of a state file. */
    | Readonly<{ kind: 'load'; message: News }>
  )

/** Longer texts and lists say no more to a reader. */
const TEXT_MAX = 60
const ITEMS_MAX = 3

/** One line of a reproduction. */
export function show(injection: Injection): string {
  const { round, at, to, kind, message } = injection
  const how =
    kind === 'message'
      ? `from ${injection.from} to ${to}`
      : { sync: `asked of ${to}`, answer: `answered to ${to}`, load: `loaded into ${to}` }[kind]
  return `round ${round}, ${at} ms, ${how}: ${JSON.stringify(shortened(message))}`
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string' && value.length > TEXT_MAX) {
    return `${value.slice(0, TEXT_MAX)}... (${value.length})`
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Map) {
    const some = [...(value as ReadonlyMap<string, unknown>)].slice(0, ITEMS_MAX)
    const rest = value.size > ITEMS_MAX ? { '...': value.size } : {}
    return { ...Object.fromEntries(some.map(([key, inner]) => [key, shortened(inner)])), ...rest }
  }
  if (Array.isArray(value)) {
    const some = value.slice(0, ITEMS_MAX).map(shortened)
    return value.length > ITEMS_MAX ? [...some, `... (${value.length})`] : some
  }
  if (value === null || typeof value !== 'object') return value
  const said = Object.entries(value).filter(([, inner]) => !isNothing(inner))
  return Object.fromEntries(said.map(([key, inner]) => [key, shortened(inner)]))
}

/** What is not said has no part in it. */
function isNothing(value: unknown): boolean {
  if (value === null || value === false || value === undefined) return true
  if (Array.isArray(value)) return value.length === 0
  if (value instanceof Map) return value.size === 0
  return typeof value === 'object' && Object.keys(value).length === 0
}
