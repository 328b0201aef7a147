/**
 * What members say of themselves and of each other, as bytes.
 */
import {
  REPLACED_WHYS,
  type Drain,
  type Heartbeat,
  type Introduction,
  type Replaced,
  type Who
} from '../core/message.ts'
import { TASK_LIMITS } from '../core/options.ts'
import { LIMITS } from './limits.ts'
import {
  flag,
  mapped,
  message,
  nullable,
  oneOf,
  repeated,
  required,
  text,
  uint,
  type Value
} from './schema.ts'
import { sparse, unreadable } from './stretches.ts'
import { boot, handlers, stamp, vector } from './values.ts'

type Body<T> = Value<Omit<T, 'kind'>>

export const labels: Value<Readonly<Record<string, string>>> = mapped(
  message({
    pairs: repeated(
      1,
      message({
        key: required(1, text(LIMITS.labelBytesMax)),
        value: required(2, text(LIMITS.labelBytesMax))
      }),
      LIMITS.labelsMax
    )
  }),
  given => ({ pairs: Object.entries(given).map(([key, value]) => ({ key, value })) }),
  sent => Object.fromEntries(sent.pairs.map(({ key, value }) => [key, value]))
)

const expected = message({
  name: required(1, text(LIMITS.nodeNameBytesMax)),
  at: required(2, stamp),
  expected: required(3, flag)
})

const departure = message({
  boot: required(1, boot),
  at: required(2, stamp),
  forgotten: required(3, flag),
  upTo: required(4, uint())
})

const heartbeatBody = sparse(
  message({
    boot: required(1, boot),
    name: required(2, text(LIMITS.nodeNameBytesMax)),
    version: required(3, text(LIMITS.versionBytesMax)),
    at: required(4, stamp),
    slots: required(5, uint(LIMITS.slotsMax)),
    running: required(6, uint(LIMITS.slotsMax)),
    queued: required(7, uint()),
    draining: required(8, flag),
    handlers: repeated(9, handlers, LIMITS.handlersMax),
    labels: required(10, labels),
    addresses: repeated(11, text(LIMITS.addressBytesMax), LIMITS.addressesMax),
    vector: required(12, vector),
    stopAfterIsolatedMs: nullable(13, uint(TASK_LIMITS.timeoutMsMax)),
    roster: repeated(14, expected, LIMITS.rosterMax),
    departures: repeated(15, departure, LIMITS.departuresMax),
    clockMs: required(16, stamp),
    loopLagMs: required(17, uint()),
    met: repeated(18, boot, LIMITS.metMax),
    unreadable: unreadable(19)
  }),
  'unreadable'
)

export const heartbeat: Body<Heartbeat> = heartbeatBody

export const drain: Body<Drain> = message({ boot: required(1, boot) })

export const who: Body<Who> = message({ boots: repeated(1, boot, LIMITS.whoMax) })

/** A heartbeat at second hand. */
export const introduction: Body<Introduction> = mapped(
  message({ heartbeat: required(1, heartbeatBody) }),
  (given: Omit<Introduction, 'kind'>) => given,
  sent => ({ heartbeat: { kind: 'heartbeat', ...sent.heartbeat } })
)

export const replaced: Body<Replaced> = message({
  boot: required(1, boot),
  why: required(2, oneOf(REPLACED_WHYS))
})
