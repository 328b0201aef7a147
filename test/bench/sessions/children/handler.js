/**
 * A short task, as a module of the node's own. Plain JavaScript, as in a user's handlers file.
 *
 * @param {{ n: number }} payload
 */
export function own({ n }) {
  return { n }
}
