/**
 * A statement about our own code that holds, or the process must not go on. Never used on what a peer or a
 * user sent: that is refused, not asserted.
 */
export function assert(condition: boolean, statement: string): asserts condition {
  if (!condition) throw new AssertionError(statement)
}

/** A broken invariant of hearsay itself. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
  constructor(statement: string) {
    super(`does not hold: ${statement}`)
  }
}
