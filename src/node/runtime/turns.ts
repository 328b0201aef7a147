/**
 * Conditions that are waited for until they hold of this node: each is looked at again whenever the core has taken
 * something in, for the node learns nothing in any other way.
 */
export class Turns {
  readonly #looks = new Set<() => void>()

  /** The core has taken something in, or nothing will come any more. */
  turned(): void {
    for (const look of this.#looks) look()
  }

  /**
   * Resolves when `isOver` says so, which is asked at once and after every turn.
   *
   * @param msMax resolves after this time, whatever it says. @default never
   * @throws what `isOver` throws, or the signal's reason
   */
  async until(isOver: () => boolean, signal?: AbortSignal, msMax?: number): Promise<void> {
    signal?.throwIfAborted()
    if (isOver()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = (): void => {
      try {
        if (isOver()) resolve()
      } catch (error) {
        reject(error)
      }
    }
    const abort = (): void => reject(signal!.reason)
    const timer = msMax === undefined ? undefined : setTimeout(resolve, msMax)
    this.#looks.add(look)
    signal?.addEventListener('abort', abort)
    try {
      await promise
    } finally {
      this.#looks.delete(look)
      signal?.removeEventListener('abort', abort)
      clearTimeout(timer)
    }
  }
}
