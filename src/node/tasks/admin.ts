/**
 * What people do with nodes, by name or id: have one drained, forget one that will not come back.
 */
import { InvalidOptionError, UnknownNodeError } from '../../shared/errors.ts'
import type { Engine } from '../runtime/engine.ts'
import type { NodeView } from '../api/node-api.ts'
import type { Queries } from '../queries/queries.ts'

export class Admin {
  readonly #engine: Engine
  readonly #queries: Queries

  constructor(engine: Engine, queries: Queries) {
    this.#engine = engine
    this.#queries = queries
  }

  /** @throws UnknownNodeError InvalidOptionError */
  drain(nameOrId: string | undefined): NodeView {
    const node = this.#find(nameOrId)
    if (node.id === null || !node.connected) {
      throw new InvalidOptionError(
        `${nameOrId} cannot be reached from here, so it cannot be told to drain: see hearsay nodes`
      )
    }
    this.#engine.feed({ kind: 'drain', node: node.id })
    return node
  }

  /** @throws UnknownNodeError InvalidOptionError */
  forget(nameOrId: string): NodeView {
    const node = this.#find(nameOrId)
    if (node.self || (node.connected && node.status !== 'left')) {
      throw new InvalidOptionError(
        `${nameOrId} is connected: let it leave with "hearsay leave" there instead of forgetting it`
      )
    }
    this.#engine.feed({ kind: 'forget', name: node.name ?? '', node: node.id })
    return node
  }

  #find(nameOrId: string | undefined): NodeView {
    const nodes = this.#queries.nodes()
    const found = nodes.find(({ name, id, self }) =>
      nameOrId === undefined ? self : name === nameOrId || id === nameOrId
    )
    if (found !== undefined) return found
    const names = nodes.map(({ name }) => name).filter(name => name !== null)
    throw new UnknownNodeError(`no node is called ${nameOrId}: there are ${names.join(', ')}`)
  }
}
