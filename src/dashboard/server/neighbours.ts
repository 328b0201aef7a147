/**
 * The node that is asked, and who is asked when it has ended: another node of its cluster on this computer, since all of
 * them know the same tasks. That one is asked from then on, until it ends in its turn. Whoever has chosen a node by its
 * name or folder gets no other one.
 */
import { Client } from '../../api/client.ts'
import type { Elsewhere } from '../../api/instances/instances.ts'
import { RefusedConnectionError } from '../../api/connection.ts'
import { NodeClosedError, NoNodeError } from '../../shared/errors.ts'

/** Data folders of the nodes that live now, one of which may be asked instead. */
export type FindOthers = () => Promise<readonly string[]>

export class Neighbours {
  #client: Client
  readonly #find: FindOthers

  /** @param client bound to one node alone */
  constructor(client: Client, find: FindOthers) {
    this.#client = client
    this.#find = find
  }

  /** Of the node that is asked now. */
  get client(): Client {
    return this.#client
  }

  /** For questions that do no harm twice. @throws what the node that was asked last throws */
  async ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    for (;;) {
      const client = this.#client
      try {
        return await question(client)
      } catch (error) {
        if (!(await this.movesOn(client, error, 'any'))) throw error
      }
    }
  }

  /** Whether another node can be asked after this error, which is the client from now on. @param from who was asked */
  async movesOn(from: Client, error: unknown, may: Elsewhere): Promise<boolean> {
    const isGone = error instanceof NoNodeError || error instanceof NodeClosedError
    const isFree = may === 'any' || (may === 'refused' && error instanceof RefusedConnectionError)
    if (!isGone || !isFree) return false
    // Another question has found out already.
    if (from !== this.#client) return true
    for (const folder of await this.#othersThan(from.folder)) {
      const next = await Client.open({ data: folder }).catch(() => null)
      if (next === null) continue
      if (from === this.#client) this.#client = next
      return true
    }
    return false
  }

  /** Whether another node lives that could be asked in place of one. */
  async hasOther(folder: string): Promise<boolean> {
    return (await this.#othersThan(folder)).length > 0
  }

  async #othersThan(folder: string): Promise<readonly string[]> {
    const folders = await this.#find().catch(() => [])
    return folders.filter(other => other !== folder)
  }
}
