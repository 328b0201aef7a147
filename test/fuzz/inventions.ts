/**
 * Messages of every kind, made of words of the cluster: most kinds are said so rarely that a fuzzer which waits for one to
 * change would seldom have any.
 */
import { nodeOf } from '../../src/core/base/ids.ts'
import type { Batch, Heartbeat, Message, Span } from '../../src/core/message.ts'
import type { BlobRef } from '../../src/core/task/content.ts'
import type { Dot, TaskRecord } from '../../src/core/task/record.ts'
import type { Random } from '../../src/sim/world/random.ts'
import { heartbeatOf } from '../support/tasks.ts'
import type { Vocabulary } from './vocabulary.ts'

type Invent = (random: Random, words: Vocabulary, nowMs: number) => Message | null

const BLOB_BYTES = 20_000

const INVENTIONS: { readonly [K in Message['kind']]?: Invent } = {
  heartbeat: (random, words, nowMs) => heartbeat(random, words, nowMs),
  introduction: (random, words, nowMs) => ({
    kind: 'introduction',
    heartbeat: heartbeat(random, words, nowMs)
  }),
  batch: (random, words) => batch(random, words),
  ack: (_random, words) => ({ kind: 'ack', boot: words.boot(), vector: vector(words) }),
  steal: (random, words) => ({
    kind: 'steal',
    request: random.whole(0, 9),
    boot: words.boot(),
    want: random.whole(1, 8),
    handlers: ['red', 'blue', 'doomed'],
    labels: {}
  }),
  grant: (random, words) => {
    const records = recordsOf(random, words)
    return {
      kind: 'grant',
      request: random.whole(0, 9),
      boot: words.boot(),
      records,
      dependencies: []
    }
  },
  find: (_random, words) => ({ kind: 'find', boot: words.boot(), ids: [words.task()] }),
  found: (random, words) => {
    const records = recordsOf(random, words)
    const ids = [words.task(), ...records.map(({ spec }) => spec.id)]
    const forgotten = random.chance(0.3) ? ids.slice(0, 1) : []
    return { kind: 'found', boot: words.boot(), ids, records, forgotten }
  },
  goodbye: (random, words) => ({
    kind: 'goodbye',
    boot: words.boot(),
    upTo: random.pick([0, 1, 2 ** 32 - 1])
  }),
  farewell: (_random, words) => ({ kind: 'farewell', boot: words.boot() }),
  sync: (_random, words) => ({ kind: 'sync', boot: words.boot(), vector: vector(words) }),
  pruned: (_random, words) => ({ kind: 'pruned', ids: [words.task(), words.task()] }),
  forgotten: (random, words) => ({
    kind: 'forgotten',
    spans: [span(random, words)],
    boots: random.chance(0.5) ? [words.boot()] : [],
    more: random.chance(0.2)
  }),
  offer: (_random, words) => ({
    kind: 'offer',
    boot: words.boot(),
    blobs: [blob(words), blob(words)]
  }),
  kept: (_random, words) => {
    const known = words.seen('hash')
    return {
      kind: 'kept',
      boot: words.boot(),
      hashes: [typeof known === 'string' ? known : words.hash()]
    }
  },
  drain: (_random, words) => ({ kind: 'drain', boot: words.boot() }),
  who: (_random, words) => ({ kind: 'who', boots: [words.boot(), words.boot()] }),
  replaced: (random, words) => ({
    kind: 'replaced',
    boot: words.boot(),
    why: random.pick(['identity', 'name'] as const),
    addresses: random.chance(0.5) ? [words.boot()] : []
  }),
  counts: (random, words) => ({
    kind: 'counts',
    boot: words.boot(),
    sequence: random.pick([1, 2, Number.MAX_SAFE_INTEGER]),
    types: []
  })
}

const KINDS = Object.keys(INVENTIONS) as Message['kind'][]

/** A message of any kind; null if too little is known yet to make one. */
export function invented(random: Random, words: Vocabulary, nowMs: number): Message | null {
  return INVENTIONS[random.pick(KINDS)]?.(random, words, nowMs) ?? null
}

/** What a stranger says of itself, without anything that is not so. */
export function greetingOf(boot: string, name: string, nowMs: number): Heartbeat {
  const times = { at: nowMs * 1000, clockMs: nowMs }
  return heartbeatOf(boot, { name, ...times, handlers: ['red'], addresses: [boot] })
}

function heartbeat(random: Random, words: Vocabulary, nowMs: number): Heartbeat {
  // Who is there, and since when, is what heartbeats are about.
  const boot = random.chance(0.3) ? words.strangeBoot() : words.boot()
  const own = greetingOf(boot, random.chance(0.5) ? words.name() : `x/${nodeOf(boot)}`, nowMs)
  const sometimes = <T>(value: () => T): readonly T[] => (random.chance(0.2) ? [value()] : [])
  return {
    ...own,
    vector: random.chance(0.5) ? vector(words) : own.vector,
    roster: sometimes(() => ({
      name: words.name(),
      at: nowMs * 1000,
      expected: random.chance(0.5)
    })),
    departures: sometimes(() => ({
      boot: words.boot(),
      at: random.pick([nowMs * 1000, 1, Number.MAX_SAFE_INTEGER]),
      forgotten: random.chance(0.5),
      upTo: 0
    })),
    met: sometimes(() => words.boot())
  }
}

/** Writes of somebody, all of one task. */
function batch(random: Random, words: Vocabulary): Batch | null {
  const records = recordsOf(random, words)
  if (records.length === 0) return null
  const writes = Array.from({ length: random.whole(1, 4) }, () => 0)
  return { kind: 'batch', origin: words.boot(), after: 0, records, writes }
}

/** Tasks that have been told of, some under another id. */
function recordsOf(random: Random, words: Vocabulary): TaskRecord[] {
  const record = words.seen('records[]') as TaskRecord | undefined
  if (record === undefined) return []
  if (random.chance(0.5)) return [record]
  const boot = words.boot()
  const created: Dot[] = [{ origin: boot, seq: random.whole(1, 3) }]
  const claim = { ...record.claim, holder: words.boot() }
  return [{ ...record, spec: { ...record.spec, id: words.task() }, created, claim }]
}

function vector(words: Vocabulary): ReadonlyMap<string, number> {
  const upTo = (): number => {
    const number = words.number()
    return Number.isSafeInteger(number) && number > 0 ? number : 1
  }
  return new Map([
    [words.boot(), upTo()],
    [words.boot(), upTo()]
  ])
}

function span(random: Random, words: Vocabulary): Span {
  const after = random.pick([0, 1, 2, 5, Number.MAX_SAFE_INTEGER - 2])
  const upTo = random.chance(0.2) ? Number.MAX_SAFE_INTEGER - 1 : after + 1
  return { origin: words.boot(), after, upTo: Math.max(after + 1, upTo) }
}

function blob(words: Vocabulary): BlobRef {
  return { hash: words.hash(), bytes: BLOB_BYTES }
}
