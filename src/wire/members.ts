/**
 * What members say of themselves and of each other, as bytes.
 */
import type { WholeShape } from '../core/base/shape.ts'
import type { Drain, Heartbeat, Introduction, Replaced, Undrain, Who } from '../core/message.ts'
import {
  DEPARTURE,
  DRAIN,
  EXPECTED,
  HEARTBEAT,
  INTRODUCTION,
  POOL,
  REPLACED,
  UNDRAIN,
  WHO
} from '../core/message-shapes.ts'
import { SETTLED_MAX } from '../core/options.ts'
import { at, ifThere, mapped, message, usually } from './schema.ts'
import { varint } from './single.ts'
import { sparse } from './stretches.ts'
import type { Value } from './value.ts'
import { labels, vector } from './values.ts'

type Body<T> = Value<Omit<T, 'kind'>>

const expected = message(EXPECTED, { name: 1, at: 2, expected: 3 })

const departure = message(DEPARTURE, {
  boot: 1,
  at: 2,
  forgotten: 3,
  upTo: at(4, varint(DEPARTURE.fields.upTo as WholeShape))
})

const pool = message(POOL, {
  name: 1,
  slots: 2,
  running: 3,
  queued: 4,
  types: 5,
  labels: at(6, labels),
  external: 7
})

export const heartbeat: Body<Heartbeat> = message(HEARTBEAT, {
  boot: 1,
  name: 2,
  version: 3,
  at: 4,
  slots: 5,
  running: 6,
  queued: 7,
  draining: 8,
  handlers: 9,
  labels: at(10, labels),
  addresses: 11,
  vector: at(12, vector),
  stopAfterIsolatedMs: 13,
  roster: at(14, expected),
  departures: at(15, departure),
  clockMs: 16,
  loopLagMs: 17,
  met: 18,
  unreadable: sparse(19),
  revision: usually(20, 0),
  floor: 21,
  settledMax: usually(22, SETTLED_MAX),
  settledKept: usually(23, 0),
  paused: ifThere(24),
  pools: ifThere(at(25, pool)),
  loose: ifThere(26)
})

export const drain: Body<Drain> = message(DRAIN, { boot: 1 })

export const undrain: Body<Undrain> = message(UNDRAIN, { boot: 1 })

export const who: Body<Who> = message(WHO, { boots: 1 })

/** A heartbeat at second hand. */
export const introduction: Body<Introduction> = message(INTRODUCTION, {
  heartbeat: at(
    1,
    mapped(
      heartbeat,
      (given: Heartbeat) => given,
      sent => ({ kind: 'heartbeat' as const, ...sent })
    )
  )
})

export const replaced: Body<Replaced> = message(REPLACED, { boot: 1, why: 2, addresses: 3 })
