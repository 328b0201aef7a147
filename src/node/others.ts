/** To wait for others: a node that has just started has met nobody. */
import { setTimeout as sleep } from 'node:timers/promises'
import { NodeClosedError, NotReadyError } from '../errors.ts'
import type { RunningNode } from './node.ts'

/** How often it is looked for them. Guess: nobody notices. */
const LOOK_MS = 50

type Looked = Pick<RunningNode, 'name' | 'nodes' | 'closed'>

/** @param timeoutMs null: as long as it takes */
export async function othersConnected(
  node: Looked,
  wanted: number,
  timeoutMs: number | null
): Promise<void> {
  const count = (): number =>
    node.nodes().filter(({ self, connected, status }) => !self && connected && status === 'alive')
      .length
  let isClosed = false
  void node.closed.then(() => (isClosed = true))
  const since = performance.now()
  while (count() < wanted) {
    if (isClosed) throw new NodeClosedError(`node ${node.name} has stopped`)
    if (timeoutMs !== null && performance.now() - since >= timeoutMs) {
      throw new NotReadyError(
        `${count()} other nodes are connected to ${node.name} after ${timeoutMs} ms, not ${wanted}: see hearsay doctor`
      )
    }
    await sleep(LOOK_MS)
  }
}
