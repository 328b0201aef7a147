/**
 * Which nodes share a computer. One power cut takes all of them, and one disk that breaks, as a rule, what they all
 * keep: so what has to survive is on two computers, not just at two nodes.
 */

/** The computer of a node that goes by this name, `computer/instance`; null if it has not said its name yet. */
export function computerOf(name: string): string | null {
  const at = name.indexOf('/')
  const computer = at < 0 ? name : name.slice(0, at)
  return computer === '' ? null : computer
}

/**
 * Whether two computers are known to be different. A node that has not said where it is may be anywhere: it is asked
 * for nothing on that account, and counts for nothing.
 */
export function areApart(x: string | null, y: string | null): boolean {
  return x !== null && y !== null && x !== y
}
