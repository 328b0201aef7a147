/**
 * The fuzzer can fail. Each test plants a fault that hearsay once had, and expects the fuzzer to find it within a dozen
 * seeds.
 *
 * fault                                                  found as a wait of 0 ms that grows without end is no number
 * an assertion, or a task that cannot be read again a boot far in the future bans its node                 a node that
 * others do not see as alive "replaced" is believed of anybody                      a node that gives way to nobody
 *
 * Three others of that time take it more seeds than that, and have tests of their own: a task under one key that
 * remembers all of its creations (test/wire/later.test.ts), a message of a closed boot that reaches an assertion
 * (test/core/belief.test.ts), a list of writes that is handled worse than linearly (test/core/writes.test.ts).
 */
import { afterEach, expect, test, vi } from 'vitest'
import { nodeOf } from '../../src/core/base/ids.ts'
import type * as CoreRoom from '../../src/core/core.ts'
import type { Effect } from '../../src/core/effect.ts'
import type { Input } from '../../src/core/input.ts'
import type { Heartbeat } from '../../src/core/message.ts'
import type * as BackoffRoom from '../../src/core/task/backoff.ts'
import { plant, uproot } from '../sim/planting.ts'

const rooms = {
  backoff: '../../src/core/task/backoff.ts',
  core: '../../src/core/core.ts'
}
/** Among this many seeds one finds each of them, with room to spare. */
const SEEDS_MAX = 12
const TEST_MS_MAX = 300_000

afterEach(uproot)

/** What the first seed says that goes wrong in this way; empty if none does. */
async function found(symptom: RegExp): Promise<string> {
  vi.resetModules()
  const { fuzz } = await import('./fuzzing.ts')
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const { failure } = fuzz(seed)
    if (failure !== null && symptom.test(failure)) return `seed ${seed}: ${failure}`
  }
  return ''
}

/** Something happens before a core takes in what has happened, or instead. */
function plantInCore(mistake: (input: Input, state: Map<string, string>) => Input | Effect): void {
  plant<typeof CoreRoom>(rooms.core, ({ Core }) => ({
    Core: class extends Core {
      readonly #state = new Map<string, string>()
      override step(now: number, input: Input): Effect[] {
        const instead = mistake(input, this.#state)
        if (instead === input) return super.step(now, input)
        if (instead.kind === 'give-way') return [instead]
        return super.step(now, instead as Input)
      }
    }
  }))
}

test(
  'a wait of 0 ms that grows without end, and is no number',
  async () => {
    plant<typeof BackoffRoom>(rooms.backoff, () => ({
      backoffMs: ({ delayMs, factor, maxDelayMs }, _id, attempt) =>
        Math.min(maxDelayMs, delayMs * factor ** (attempt - 1))
    }))
    expect(await found(/cannot be read|can be read|NaN/)).toMatch(/^seed/)
  },
  TEST_MS_MAX
)

test(
  'a boot far in the future that bans its node',
  async () => {
    plantInCore((input, latest) => {
      if (input.kind !== 'message') return input
      const { message } = input
      const said: Heartbeat | null =
        message.kind === 'heartbeat'
          ? message
          : message.kind === 'introduction'
            ? message.heartbeat
            : null
      if (said === null) return input
      const node = nodeOf(said.boot)
      if (said.boot < (latest.get(node) ?? '')) return { kind: 'tick' }
      latest.set(node, said.boot)
      return input
    })
    expect(await found(/does not know|sees|by another boot/)).toMatch(/^seed/)
  },
  TEST_MS_MAX
)

test(
  '"replaced" that is believed of anybody',
  async () => {
    plantInCore((input, self) => {
      if (input.kind === 'addresses') self.set('boot', input.addresses[0] ?? '')
      if (input.kind !== 'message' || input.message.kind !== 'replaced') return input
      const { boot, why } = input.message
      return boot === self.get('boot') ? { kind: 'give-way', why } : input
    })
    expect(await found(/gives way/)).toMatch(/^seed/)
  },
  TEST_MS_MAX
)
