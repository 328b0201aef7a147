/**
 * Lines out of a text that comes in pieces, which may be cut anywhere. How long a line may be, and what becomes of one
 * that is longer, is for the reader to say: after each piece it looks at what has no end yet, and may take that away.
 */
export class LineSplitter {
  #open = ''

  /** Takes in a piece. @returns the lines that end in it, without their ends */
  push(piece: string): string[] {
    const lines = piece.split('\n')
    const rest = lines.pop() ?? ''
    if (lines.length > 0) lines[0] = this.take() + lines[0]
    this.#open += rest
    return lines
  }

  /** How much has come of the line that has no end yet. */
  get openLength(): number {
    return this.#open.length
  }

  /** What has come of the line that has no end yet, which goes on after it as another one. */
  take(): string {
    const open = this.#open
    this.#open = ''
    return open
  }
}
