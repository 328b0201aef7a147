/**
 * What is in a state file, found out while its text passes by, cut anywhere.
 *
 * A line feed stands between lines and never inside of one, and neither does what a line begins or ends with: JSON
 * would write both otherwise.
 */
import type { SavedState } from '../ports/ports.ts'

const TASK = '{"record":'
const NO_BYTES = /"base64":null},?$/

export class StateContents {
  #tasks = 0
  #missing = 0
  #rest = ''

  note(piece: string): void {
    const lines = (this.#rest + piece).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      if (line.startsWith(TASK)) this.#tasks++
      else if (NO_BYTES.test(line)) this.#missing++
    }
  }

  saved(): SavedState {
    return { tasks: this.#tasks, missing: this.#missing }
  }
}
