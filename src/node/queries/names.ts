/** What nodes are called: `computer/instance` where it is known, else the id. */
import { nodeOf, type BootId } from '../../core/base/ids.ts'
import { compareText } from '../../core/base/order.ts'
import type { CoreView } from '../../core/view.ts'

/** The name of a node or a boot. */
export function namesIn(core: Pick<CoreView, 'self' | 'member'>): (boot: BootId) => string {
  const { boot: own, name } = core.self()
  const self = nodeOf(own)
  return boot => {
    const node = nodeOf(boot)
    return node === self ? name : (core.member(node)?.heartbeat.name ?? node)
  }
}

/** Names of the members of which none is connected; none if one is. */
export function missingOf(core: CoreView, now: number): string[] {
  const others = core.members(now).filter(({ status }) => status !== 'left')
  if (others.some(({ linked }) => linked)) return []
  return others.map(({ heartbeat }) => heartbeat.name || nodeOf(heartbeat.boot)).sort(compareText)
}
