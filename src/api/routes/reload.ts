/** Reading anew what a node was started with: its handlers, and for `hearsay start` its configuration file. */
import type { AdminApi, ReloadedHandlers } from '../../node/api/node-api.ts'

/** What came of it. */
export type Reloaded = ReloadedHandlers &
  Readonly<{
    /** What there is to say of the configuration, a sentence each. */
    notes: readonly string[]
  }>

/** @throws HandlersFileError InvalidOptionError and nothing has changed */
export type Reload = () => Promise<Reloaded>

/** Of a node whose configuration is in its program. */
export async function reloadHandlers(node: Pick<AdminApi, 'reloadHandlers'>): Promise<Reloaded> {
  return { ...(await node.reloadHandlers()), notes: [] }
}
