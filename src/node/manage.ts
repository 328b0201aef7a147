/**
 * What people do with nodes, by name or id: have one drained, forget one that will not come back.
 */
import { InvalidOptionError, UnknownNodeError } from '../errors.ts'
import type { Engine } from './engine.ts'
import type { NodeView } from './handle.ts'
import type { Picture } from './picture.ts'

export class Manage {
  readonly #engine: Engine
  readonly #picture: Picture

  constructor(engine: Engine, picture: Picture) {
    this.#engine = engine
    this.#picture = picture
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
    const nodes = this.#picture.nodes()
    const found = nodes.find(({ name, id, self }) =>
      nameOrId === undefined ? self : name === nameOrId || id === nameOrId
    )
    if (found !== undefined) return found
    const names = nodes.map(({ name }) => name).filter(name => name !== null)
    throw new UnknownNodeError(`no node is called ${nameOrId}: there are ${names.join(', ')}`)
  }
}
