/**
 * Lines of an answer that is written to its connection itself: all that there is to say within one turn of the event loop
 * is one write. A stream of the web's kind and a router for each line would cost more than a short task.
 */
import type { ServerResponse } from 'node:http'

/** What is taken for one write, in UTF-16 units of text. More waits for the next turn. */
const PIECE_LENGTH = 65_536

export class LinesOut {
  readonly #outgoing: ServerResponse
  readonly #take: () => string | null
  readonly #isOver: () => boolean
  #isDue = false

  /**
   * @param take the next line, with its end; null: there is none for now. Called only while the reader keeps up
   * @param isOver whether none comes any more
   */
  constructor(outgoing: ServerResponse, take: () => string | null, isOver: () => boolean) {
    this.#outgoing = outgoing
    this.#take = take
    this.#isOver = isOver
    outgoing.writeHead(200, { 'content-type': 'application/x-ndjson' })
    // An empty line at once: a client may need an answer before it can go on asking.
    outgoing.write('\n')
    outgoing.on('drain', () => this.look())
  }

  /** There may be something to say, or nothing any more. */
  look(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.#write()
    })
  }

  #write(): void {
    const outgoing = this.#outgoing
    if (outgoing.writableEnded || outgoing.destroyed || outgoing.writableNeedDrain) return
    let piece = ''
    let line: string | null = ''
    while (line !== null && piece.length < PIECE_LENGTH) {
      line = this.#take()
      piece += line ?? ''
    }
    if (piece !== '') outgoing.write(piece)
    if (line !== null) this.look()
    else if (this.#isOver()) outgoing.end()
  }
}
