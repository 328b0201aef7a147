/** The node on this computer that the tools ask; found again when it has been started anew. */
import { Client } from '../api/client.ts'
import type { Whereabouts } from '../api/find.ts'
import { NoNodeError } from '../shared/errors.ts'

export class Cluster {
  readonly #where: Whereabouts
  #client: Promise<Client> | null = null

  constructor(where: Whereabouts) {
    this.#where = where
  }

  /** Asks a node. One that has gone is looked for again at the next question, and not within one: it may be done. */
  async ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    const opened = (this.#client ??= Client.open({ any: true, ...this.#where }))
    let client: Client | null = null
    try {
      client = await opened
      return await question(client)
    } catch (error) {
      const isGone = client === null || error instanceof NoNodeError
      if (isGone && this.#client === opened) this.#client = null
      throw error
    }
  }
}
