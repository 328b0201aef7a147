/**
 * Says that a node does not take tasks as fast as they come, and why, while nothing else moves: on the line of
 * progress, or once where nobody watches that.
 */
import type { Client } from '../../api/client.ts'
import { heldBackText } from '../output/print.ts'
import type { Progress } from '../output/progress.ts'

/** A node that is well answers within a tenth of it. */
const QUIET_MS = 1000

export class HeldBack {
  readonly #client: Pick<Client, 'status'>
  readonly #progress: Progress
  readonly #say: (text: string) => void
  readonly #timer: NodeJS.Timeout
  #movedAt = performance.now()
  #isSaid = false
  #isAsking = false
  #hasEnded = false

  /** @param far what has been done so far */
  constructor(
    client: Pick<Client, 'status'>,
    progress: Progress,
    far: () => string,
    say: (text: string) => void
  ) {
    this.#client = client
    this.#progress = progress
    this.#say = say
    this.#timer = setInterval(() => void this.#look(far), QUIET_MS).unref()
  }

  /** The node has taken something. */
  moved(): void {
    this.#movedAt = performance.now()
  }

  stop(): void {
    this.#hasEnded = true
    clearInterval(this.#timer)
  }

  async #look(far: () => string): Promise<void> {
    if (this.#isAsking || performance.now() - this.#movedAt < QUIET_MS) return
    this.#isAsking = true
    try {
      const { waiting, heldBackBy } = (await this.#client.status()).submitters
      if (this.#hasEnded || waiting === 0) return
      const text = `${far()}; held back ${heldBackText(heldBackBy)}`
      if (this.#progress.isWatched) this.#progress.show(text)
      else if (!this.#isSaid) this.#say(text)
      this.#isSaid = true
    } catch {
      // Whether the node is there is found out by the submission itself.
    } finally {
      this.#isAsking = false
    }
  }
}
