/**
 * A computer gets another address while its node runs, and its old one goes to somebody else: three real nodes, a computer
 * each. One cluster for all of it.
 */
import { describe, expect } from 'vitest'
import type { ChaosCluster } from '../chaos/cluster.ts'
import type { Onlooker } from '../chaos/onlooker.ts'
import { until } from '../support/until.ts'
import { checkOf, sharedOnLan } from './check.ts'
import { lanUnavailable, type Lan } from './lan.ts'

const unavailable = lanUnavailable()
if (unavailable) console.warn(`a new address is skipped: ${unavailable}`)

const MOVED = 1
const OTHERS = [0, 2]
const NEW_ADDRESS = '10.77.0.77'
const FIND_MS_MAX = 60_000

let lan: Lan
let cluster: ChaosCluster
let look: Onlooker

const check = checkOf(() => cluster)

/** The others are linked to it, and have been told this address and no other. */
async function linkedAt(address: string): Promise<void> {
  for (const other of OTHERS) {
    await until(
      async () => {
        const node = await look.nodeSeen(other, MOVED)
        const hosts = node?.addresses.map(each => each.split('/')[2])
        return node?.status === 'alive' && node.connected && hosts?.join() === address
      },
      `the node to be linked to ${other} from ${address}`,
      FIND_MS_MAX
    )
  }
}

describe.skipIf(unavailable !== null)('a computer that gets another address', () => {
  sharedOnLan(there => ({ lan, cluster, look } = there), { places: ['a', 'b', 'c'] })

  check('has its node say so, and be linked again', async () => {
    await linkedAt(lan.address('b'))
    await lan.move('b', NEW_ADDRESS)
    await linkedAt(NEW_ADDRESS)
  })

  check('and is cut off then: who refuses at its old address proves nothing', async () => {
    // The computer that has it now runs, and nobody listens there.
    await lan.addAddress('c', lan.address('b'))
    const end = new AbortController()
    const heard = await look.listen(0, end.signal)
    await lan.cut('b')
    await look.seenAs('unreachable', OTHERS, MOVED)
    await lan.heal()
    await linkedAt(NEW_ADDRESS)
    end.abort()
    expect(heard.filter(name => name === 'node:crashed')).toEqual([])
  })

  check('and is killed then: its end is seen where it was last', async () => {
    await cluster.kill(MOVED)
    await look.seenAs('crashed', OTHERS, MOVED)
  })
})
