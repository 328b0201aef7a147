/**
 * What is in a state file, found out while its text passes by, cut anywhere.
 *
 * A line feed stands between lines and never inside of one, and neither does what a line begins or ends with: JSON
 * would write both otherwise.
 */
import type { SavedState } from '../ports/ports.ts'
import { LineSplitter } from '../shared/lines.ts'

const TASK = '{"record":'
const NO_BYTES = /"base64":null},?$/

export class StateContents {
  #tasks = 0
  #missing = 0
  readonly #lines = new LineSplitter()

  note(piece: string): void {
    for (const line of this.#lines.push(piece)) {
      if (line.startsWith(TASK)) this.#tasks++
      else if (NO_BYTES.test(line)) this.#missing++
    }
  }

  saved(): SavedState {
    return { tasks: this.#tasks, missing: this.#missing }
  }
}
