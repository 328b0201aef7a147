/**
 * Ends of leases, told over one request that stays open for as long as a worker is connected. What the node could not be
 * asked in this way (it is older, or the connection broke) is for the caller to ask again in another one: the same end
 * told twice is taken once.
 */
import { UnknownQuestionError, type Connection } from '../connection.ts'
import { errorOf } from '../problem.ts'
import type { EndAnswer, EndLine } from './lease-ends.ts'

/** Whether the node has heard it. */
type Told = 'told' | 'untold'

type Waiter = Readonly<{ resolve: (told: Told) => void; reject: (error: Error) => void }>

export class EndStream {
  readonly #waiters: Waiter[] = []
  #texts: string[] = []
  #wake: () => void = () => {}
  #isClosed = false
  /** The node knows no such request. */
  isUnknown = false

  constructor(node: Connection) {
    void this.#run(node)
  }

  /** Resolves when the node has taken it. @throws what the node refuses it with */
  tell(end: EndLine): Promise<Told> {
    if (this.#isClosed) return Promise.resolve('untold')
    const { promise, resolve, reject } = Promise.withResolvers<Told>()
    this.#waiters.push({ resolve, reject })
    this.#texts.push(`${JSON.stringify(end)}\n`)
    // What is told in one go is one piece.
    if (this.#texts.length === 1) setImmediate(() => this.#wake())
    return promise
  }

  /** Nothing more is told. What has been told is answered. */
  close(): void {
    this.#isClosed = true
    this.#wake()
  }

  async #run(node: Connection): Promise<void> {
    try {
      const call = { pieces: this.#pieces() }
      for await (const answer of node.values<EndAnswer>('/v1/leases/ends', call, 'POST')) {
        const refusal = errorOf(answer)
        const waiter = this.#waiters.shift()
        if (refusal === null) waiter?.resolve('told')
        else waiter?.reject(refusal)
      }
    } catch (error) {
      // Whoever asks in another way is told why.
      this.isUnknown = error instanceof UnknownQuestionError
    }
    this.#isClosed = true
    for (const waiter of this.#waiters.splice(0)) waiter.resolve('untold')
  }

  async *#pieces(): AsyncGenerator<string> {
    for (;;) {
      const piece = this.#texts.join('')
      this.#texts = []
      if (piece !== '') yield piece
      else if (this.#isClosed) return
      else await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }
}
