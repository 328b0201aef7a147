/**
 * Values that messages of several kinds are made of: names of boots, stamps, version vectors.
 */
import type { VersionVector } from '../core/message.ts'
import { TASK_LIMITS } from '../core/options.ts'
import type { Dot } from '../core/task/record.ts'
import { LIMITS } from './limits.ts'
import { mapped, message, name, repeated, required, text, uint, type Value } from './schema.ts'

export const boot: Value<string> = name(LIMITS.bootBytesMax, /^[^/]+\/[0-9a-z]{10}-[0-9a-z]{6}$/)
export const stamp: Value<number> = uint(Number.MAX_SAFE_INTEGER)
const sequence = uint(Number.MAX_SAFE_INTEGER, 1)

export const dot: Value<Dot> = message({ origin: required(1, boot), seq: required(2, sequence) })

export const vector: Value<VersionVector> = mapped(
  message({ entries: repeated(1, dot, LIMITS.vectorEntriesMax) }),
  (given: VersionVector) => ({ entries: [...given].map(([origin, seq]) => ({ origin, seq })) }),
  sent => new Map(sent.entries.map(entry => [entry.origin, entry.seq]))
)

/** A type of tasks. */
export const handlers: Value<string> = text(TASK_LIMITS.typeLengthMax * 4)
