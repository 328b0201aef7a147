/**
 * Addresses of peers, to try at the next start. Only hints: a damaged file is as good as none.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeAtomically } from '../shared/atomic-file.ts'

export type RememberedPeer = Readonly<{ id: string; addresses: readonly string[] }>

/** Guess: more peers than a cluster should have, and more addresses than a computer has. */
const PEERS_MAX = 256
const ADDRESSES_MAX = 16

const file = z.array(z.object({ id: z.string(), addresses: z.array(z.string()) }))

export class PeersFile {
  readonly #path: string
  /** The save under way: two at once would write into one file. */
  #saving: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  async load(): Promise<RememberedPeer[]> {
    try {
      return bounded(file.parse(JSON.parse(await readFile(this.#path, 'utf8'))))
    } catch {
      return []
    }
  }

  /** Keeps the first 256 peers, and 16 addresses of each. */
  save(peers: readonly RememberedPeer[]): Promise<void> {
    const text = `${JSON.stringify(bounded(peers), null, 2)}\n`
    const write = (): Promise<void> => writeAtomically(this.#path, text)
    const saving = this.#saving.then(write, write)
    this.#saving = saving
    return saving
  }

  /** Waits for a save under way. */
  async close(): Promise<void> {
    await this.#saving.catch(() => {})
  }
}

function bounded(peers: readonly RememberedPeer[]): RememberedPeer[] {
  return peers
    .slice(0, PEERS_MAX)
    .map(({ id, addresses }) => ({ id, addresses: addresses.slice(0, ADDRESSES_MAX) }))
}
