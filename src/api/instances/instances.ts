/**
 * The nodes of one cluster on this computer: any of them serves what all can answer. The first is asked; where it does
 * not answer, the next one is, if that cannot do anything twice.
 */
import { basename } from 'node:path'
import { NoNodeError, NodeClosedError } from '../../shared/errors.ts'
import { Connection, RefusedConnectionError, type Call } from '../connection.ts'
import { SILENT_MS, SilentNodeError } from './patience.ts'

/**
 * When another node is asked: whenever the first does not answer, for what does no harm twice; only if the connection
 * was refused, so that nothing can have been done; or never.
 */
export type Elsewhere = 'any' | 'refused' | 'never'

export class Instances {
  #node: Connection
  readonly #others: string[]
  readonly #say: (text: string) => void

  /** @param folders data folders of the nodes, the one to ask first */
  constructor([first, ...others]: readonly [string, ...string[]], say: (text: string) => void) {
    this.#node = new Connection(first)
    this.#others = others
    this.#say = say
    if (others.length === 0) return
    const count = others.length + 1
    say(`${nodeNameOf(first)} is asked: ${count} nodes of its cluster run here, --node picks one`)
  }

  /** To the node that is asked now, for what is said to that one alone. */
  get connection(): Connection {
    return this.#node
  }

  /** The data folder of the node that is asked. */
  get folder(): string {
    return this.#node.folder
  }

  value<T>(
    method: string,
    path: string,
    call: Call = {},
    may: Elsewhere = mayOf(method)
  ): Promise<T> {
    return this.#once(call, may, (node, watched) => node.value(method, path, watched))
  }

  text(path: string, call: Call = {}): Promise<string> {
    return this.#once(call, 'any', (node, watched) => node.text(path, watched))
  }

  pieces(path: string): AsyncGenerator<string> {
    return this.#stream({}, 'any', (node, call) => node.pieces(path, call))
  }

  values<T>(
    path: string,
    call: Call = {},
    method = 'GET',
    may: Elsewhere = mayOf(method)
  ): AsyncGenerator<T> {
    return this.#stream(call, may, (node, watched) => node.values<T>(path, watched, method))
  }

  /**
   * Values of which the caller knows what is missing when the node goes away, and goes on with that.
   *
   * @throws what `movesOn` is to be asked about
   */
  broken<T>(path: string, call: Call, method: string): AsyncGenerator<T> {
    const node = this.#node
    return node.values<T>(path, { ...call, onSilent: () => this.#onSilent(node, 'any') }, method)
  }

  /** Whether there is another node to ask after this error, which is asked from now on. */
  movesOn(error: unknown): boolean {
    return this.#movesOn(this.#node, error, 'any')
  }

  async #once<T>(
    call: Call,
    given: Elsewhere,
    ask: (node: Connection, call: Call) => Promise<T>
  ): Promise<T> {
    // What is sent as it is made cannot be sent again.
    const may = call.pieces === undefined ? given : 'never'
    for (;;) {
      const node = this.#node
      try {
        return await ask(node, { ...call, onSilent: () => this.#onSilent(node, may) })
      } catch (error) {
        if (!this.#movesOn(node, error, may)) throw error
      }
    }
  }

  async *#stream<T>(
    call: Call,
    given: Elsewhere,
    ask: (node: Connection, call: Call) => AsyncGenerator<T>
  ): AsyncGenerator<T> {
    let may = call.pieces === undefined ? given : 'never'
    for (;;) {
      const node = this.#node
      try {
        for await (const value of ask(node, {
          ...call,
          onSilent: () => this.#onSilent(node, may)
        })) {
          // Another one would begin anew.
          may = 'never'
          yield value
        }
        return
      } catch (error) {
        if (!this.#movesOn(node, error, may)) throw error
      }
    }
  }

  /** Whether the question is given up. */
  #onSilent(node: Connection, may: Elsewhere): boolean {
    if (may === 'any' && (this.#others.length > 0 || node !== this.#node)) return true
    const twice =
      may === 'refused' && this.#others.length > 0
        ? '; no other is asked, for it might be done twice: use --idempotency-key for that'
        : ''
    this.#say(`${nodeNameOf(node.folder)} ${SILENT}, and is waited for${twice}`)
    return false
  }

  #movesOn(node: Connection, error: unknown, may: Elsewhere): boolean {
    const isGone = error instanceof NoNodeError || error instanceof NodeClosedError
    const mayMove =
      may === 'any' ? isGone : may === 'refused' && error instanceof RefusedConnectionError
    if (!mayMove) return false
    // Another question has found out already.
    if (node !== this.#node) return true
    const next = this.#others.shift()
    if (next === undefined) return false
    const why = error instanceof SilentNodeError ? SILENT : 'does not answer any more'
    this.#say(`${nodeNameOf(node.folder)} ${why}: ${nodeNameOf(next)} is asked`)
    this.#node = new Connection(next)
    return true
  }
}

const SILENT = `has not answered for ${SILENT_MS / 1000} s`

/** To ask does no harm, and to do may. */
function mayOf(method: string): Elsewhere {
  return method === 'GET' ? 'any' : 'refused'
}

/** `computer/instance`: data folders of nodes have their names, unless a user has said where they are. */
export function nodeNameOf(folder: string): string {
  const name = basename(folder)
  const dash = name.lastIndexOf('-')
  return dash < 0 ? folder : `${name.slice(0, dash)}/${name.slice(dash + 1)}`
}
