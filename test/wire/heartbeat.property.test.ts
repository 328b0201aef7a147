/**
 * A heartbeat always fits: whatever a node says of itself and of others, no message of it is larger than may be sent.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { heartbeatOf } from '../support/tasks.ts'
import { CLOCK_MS_MAX, STAMP_MAX } from '../../src/core/base/hlc.ts'
import { bootId, SEQ_MAX } from '../../src/core/base/ids.ts'
import { utf8Length } from '../../src/core/base/utf8.ts'
import { HeartbeatWindow } from '../../src/core/liveness/heartbeat-window.ts'
import type { Heartbeat } from '../../src/core/message.ts'
import {
  FRAME_BYTES_MAX,
  GOSSIP_BYTES_MAX,
  HEARTBEAT_LIMITS,
  LIMITS,
  NODE_LIMITS,
  TASK_LIMITS
} from '../../src/core/options.ts'
import { checkNodeOptions } from '../../src/node-options.ts'
import { decode, encode } from '../../src/wire/codec.ts'

const HUGE = 2 ** 32 - 1
const LAST = STAMP_MAX

/** A text of `bytes` bytes, or a little less where its characters are longer. */
function textOf(bytes: number, unit: string, number: number): string {
  const digits = String(number)
  return digits + unit.repeat(Math.floor((bytes - digits.length) / utf8Length(unit)))
}

/** A boot with the longest name that is accepted; different ones for different numbers. */
function longBoot(number: number): string {
  return bootId(String(number).padStart(LIMITS.bootBytesMax - 18, 'n'), 1, 0)
}

const unit = fc.constantFrom('x', 'é', '漢', '🦊')
const count = (max: number): fc.Arbitrary<number> => fc.oneof(fc.nat(max), fc.constantFrom(0, max))

/** As large as its owner may make it, where `share` is 1. */
function itself(unit: string, share: number): Partial<Heartbeat> {
  const { handlersMax, handlersBytesMax, labelsBytesMax, addressesMax, addressBytesMax } =
    NODE_LIMITS
  const types = Math.floor(handlersMax * share)
  const bytes = Math.min(TASK_LIMITS.typeLengthMax * 4, Math.floor(handlersBytesMax / handlersMax))
  const labels = Math.floor(32 * share)
  return {
    boot: longBoot(0),
    name: textOf(LIMITS.nodeNameBytesMax, unit, 0),
    version: textOf(LIMITS.versionBytesMax, unit, 0),
    at: LAST,
    clockMs: CLOCK_MS_MAX,
    slots: LIMITS.slotsMax,
    running: LIMITS.slotsMax,
    queued: HUGE,
    loopLagMs: HUGE,
    stopAfterIsolatedMs: TASK_LIMITS.timeoutMsMax,
    draining: true,
    handlers: Array.from({ length: types }, (_, i) => textOf(bytes, unit, i)),
    labels: Object.fromEntries(
      Array.from({ length: labels }, (_, i) => [
        `label-${i}`.padEnd(63, 'x'),
        textOf(labelsBytesMax / 32 - 63, unit, i)
      ])
    ),
    addresses: Array.from({ length: addressesMax }, (_, i) => textOf(addressBytesMax, unit, i))
  }
}

type Counts = Readonly<Record<'met' | 'departures' | 'roster' | 'vector', number>>

function others(unit: string, counts: Counts): Partial<Heartbeat> {
  const boots = (length: number): string[] => Array.from({ length }, (_, i) => longBoot(i + 1))
  return {
    met: boots(counts.met),
    departures: boots(counts.departures).map(boot => ({
      boot,
      at: LAST,
      forgotten: true,
      upTo: HUGE
    })),
    roster: Array.from({ length: counts.roster }, (_, i) => ({
      name: textOf(LIMITS.nodeNameBytesMax, unit, i),
      at: LAST,
      expected: true
    })),
    vector: new Map(boots(counts.vector).map(boot => [boot, SEQ_MAX]))
  }
}

const extreme: fc.Arbitrary<Heartbeat> = fc
  .record({
    unit,
    share: fc.constantFrom(0, 0.5, 1),
    counts: fc.record({
      met: count(300),
      departures: count(600),
      roster: count(600),
      vector: count(2000)
    })
  })
  .map(({ unit, share, counts }) => ({
    ...heartbeatOf(longBoot(0)),
    ...itself(unit, share),
    ...others(unit, counts)
  }))

/** How often what is said of others has to be said until all of it has been. */
function roundsOf(given: Heartbeat, bytesMax: number, roundsMax: number): number {
  const window = new HeartbeatWindow()
  const heard = { met: new Set(), departures: new Set(), roster: new Set(), vector: new Set() }
  for (let round = 1; round <= roundsMax; round++) {
    const sent = window.fit(given, bytesMax)
    const bytes = encode(sent)
    expect(bytes.length).toBeLessThanOrEqual(bytesMax)
    expect(decode(bytes)).toMatchObject({ ok: true })
    for (const list of ['met', 'departures', 'roster', 'vector'] as const) {
      for (const item of sent[list]) heard[list].add(JSON.stringify(item))
    }
    const whole =
      heard.met.size === given.met.length &&
      heard.departures.size === given.departures.length &&
      heard.roster.size === given.roster.length &&
      heard.vector.size === given.vector.size
    if (whole) return round
  }
  return Infinity
}

describe('a heartbeat', () => {
  test('fits into a gossip message, and says all in a number of them', () => {
    fc.assert(
      fc.property(extreme, given => {
        expect(roundsOf(given, GOSSIP_BYTES_MAX, 200)).toBeLessThan(200)
      }),
      { numRuns: 25 }
    )
  })

  test('says all at once as long as that fits', () => {
    const { departuresMax, rosterMax } = HEARTBEAT_LIMITS
    const given = {
      ...heartbeatOf(longBoot(0)),
      ...others('x', { met: 50, departures: departuresMax / 2, roster: rosterMax / 2, vector: 100 })
    }
    expect(new HeartbeatWindow().fit(given, GOSSIP_BYTES_MAX)).toBe(given)
    expect(encode(given).length).toBeLessThanOrEqual(GOSSIP_BYTES_MAX)
  })

  test('names nothing twice where that would leave something else out', () => {
    const given = {
      ...heartbeatOf(longBoot(0)),
      ...others('x', { met: 0, departures: 0, roster: 0, vector: 5000 })
    }
    const entriesPerMessage = Math.floor(GOSSIP_BYTES_MAX / (LIMITS.bootBytesMax + 20))
    expect(roundsOf(given, GOSSIP_BYTES_MAX, 100)).toBeLessThanOrEqual(
      Math.ceil(5000 / entriesPerMessage)
    )
  })

  test('to one peer is longer, and no longer than a frame', () => {
    const { vectorEntriesMax } = HEARTBEAT_LIMITS
    const given = {
      ...heartbeatOf(longBoot(0)),
      ...itself('漢', 1),
      ...others('x', { met: 256, departures: 256, roster: 256, vector: vectorEntriesMax + 1 })
    }
    const sent = new HeartbeatWindow().fit(given, FRAME_BYTES_MAX / 2)
    expect(sent.vector.size).toBeGreaterThan(vectorEntriesMax - 2000)
    expect(decode(encode(sent))).toMatchObject({ ok: true })
    expect(roundsOf(given, FRAME_BYTES_MAX / 2, 3)).toBe(2)
  })
})

test('labels that would not fit into a heartbeat are refused where they are set', () => {
  const labels = (unit: string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`label-${i}`, unit.repeat(128)]))
  expect(() => checkNodeOptions({ labels: labels('x') })).not.toThrow()
  expect(() => checkNodeOptions({ labels: labels('漢') })).toThrow(/labels/)
})
