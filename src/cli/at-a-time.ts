/** The same for each of many, a few at a time. */

/**
 * Where each takes a connection to the node: few enough for a shell that lets a process open 64 files, of which Node takes
 * some 20, and enough to keep the node busy.
 */
const AT_A_TIME_MAX = 16

/** What comes of each, in their order. @param most how many at a time. @default as many as may be */
export function atATime<T, R>(
  items: readonly T[],
  act: (item: T) => Promise<R>,
  most: number = AT_A_TIME_MAX
): Promise<R>[] {
  const results = items.map(() => Promise.withResolvers<R>())
  const rest = items.entries()
  const work = async (): Promise<void> => {
    for (const [i, item] of rest) await act(item).then(results[i]!.resolve, results[i]!.reject)
  }
  for (let i = 0; i < most; i++) void work()
  return results.map(({ promise }) => promise)
}
