/**
 * A statement about our own code that holds, or the process must not go on. Never used on what a peer or a
 * user sent: that is refused, not asserted.
 *
 * @param of which one of many it is said of, so that no text is made where it holds
 */
export function assert(
  condition: boolean,
  statement: string,
  of?: string | number | null
): asserts condition {
  if (!condition) throw new AssertionError(of === undefined ? statement : `${statement}: ${of}`)
}

/** A broken invariant of hearsay itself. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
  constructor(statement: string) {
    super(`does not hold: ${statement}`)
  }
}
