/**
 * Cold and warm. Cold are the first tasks after the start, but for a few that show that everybody is there: all processes
 * compile what they run. Warm is the third run on the same cluster.
 */
const WARMING = 1

/** Runs one after the other, and gives the first and the last one. */
export async function coldAndWarm<T>(
  run: (nth: number) => Promise<T>
): Promise<{ cold: T; warm: T }> {
  const cold = await run(0)
  for (let nth = 1; nth <= WARMING; nth++) await run(nth)
  return { cold, warm: await run(WARMING + 1) }
}
