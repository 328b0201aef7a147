/** To wait for others: a node that has just started has met none. */
import { NodeClosedError, NotReadyError } from '../shared/errors.ts'
import type { NodeView } from './api/node-api.ts'
import type { Turns } from './runtime/turns.ts'

type Looked = Readonly<{
  name: string
  closed: Promise<unknown>
  nodes: () => readonly NodeView[]
}>

/**
 * Resolves when this number of other members is connected.
 *
 * @param timeoutMs null: as long as it takes
 * @throws NotReadyError NodeClosedError
 */
export async function othersConnected(
  node: Looked,
  turns: Turns,
  wanted: number,
  timeoutMs: number | null
): Promise<void> {
  const count = (): number =>
    node.nodes().filter(({ self, connected, status }) => !self && connected && status === 'alive')
      .length
  const ended = new AbortController()
  void node.closed.then(why =>
    ended.abort(why ?? new NodeClosedError(`node ${node.name} has stopped`))
  )
  const giveUp = (): void =>
    ended.abort(
      new NotReadyError(
        `${count()} other nodes are connected to ${node.name} after ${timeoutMs} ms, not ${wanted}: see hearsay doctor`
      )
    )
  const timer = timeoutMs === null ? undefined : setTimeout(giveUp, timeoutMs)
  try {
    await turns.until(() => count() >= wanted, ended.signal)
  } finally {
    clearTimeout(timer)
  }
}
