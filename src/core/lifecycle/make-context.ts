/**
 * Makes what the halves of the core share, as it is before the first step.
 */
import { computerOf } from '../base/computers.ts'
import { HybridClock } from '../base/hlc.ts'
import { nodeOf } from '../base/ids.ts'
import { BEFORE_THE_FIRST_STEP, type Context, type Identity } from '../context.ts'
import { KeyTombstones } from '../gc/gc.ts'
import { Members, UnknownOrigins } from '../membership/membership.ts'
import type { CoreOptions } from '../options.ts'

export function contextOf(
  identity: Identity,
  options: CoreOptions,
  parts: Pick<Context, 'log' | 'carried' | 'counters' | 'emit' | 'release'>
): Context {
  const self = identity.boot
  return {
    ...parts,
    self,
    node: nodeOf(self),
    name: identity.name,
    computer: computerOf(identity.name),
    options,
    clock: new HybridClock(),
    keyTombstones: new KeyTombstones(),
    unknownOrigins: new UnknownOrigins(),
    members: new Members(self, options, identity.name, parts.log.origins),
    labels: identity.labels,
    ...BEFORE_THE_FIRST_STEP
  }
}
