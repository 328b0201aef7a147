/**
 * Makes the list of messages of a failing seed short: half of it is left out, then a quarter, and so on down to one, as
 * long as the same goes wrong (delta debugging). What is left is what it takes.
 */

/** `isShortest`: nothing more can be left out; else trials or time were over before that was known. */
export type Shrunk<T> = Readonly<{ items: readonly T[]; runs: number; isShortest: boolean }>

export type Patience = Readonly<{
  /** Number of trials after which the shortest list so far has to do. */
  runsMax: number
  /** Whether there is time for another trial. @default always */
  hasTime?: () => boolean
}>

/** @param fails whether the same goes wrong with these only */
export function shrink<T>(
  items: readonly T[],
  fails: (some: readonly T[]) => boolean,
  { runsMax, hasTime = () => true }: Patience
): Shrunk<T> {
  let runs = 0
  let isShortest = true
  const stillFails = (some: readonly T[]): boolean => {
    if (runs >= runsMax || !hasTime()) {
      isShortest = false
      return false
    }
    runs++
    return fails(some)
  }
  if (stillFails([])) return { items: [], runs, isShortest }
  let rest = items
  for (let size = Math.ceil(items.length / 2); size >= 1;) {
    const shorter = without(rest, size, stillFails)
    // What could not be left out before may be superfluous now.
    const isDone = size === 1 && (shorter.length === rest.length || shorter.length === 1)
    rest = shorter
    if (isDone || !isShortest) break
    size = Math.max(1, Math.floor(size / 2))
  }
  return { items: rest, runs, isShortest }
}

/** Leaves out pieces of that size, from the end: what comes before is needed more often by what comes after. */
function without<T>(
  items: readonly T[],
  size: number,
  stillFails: (some: readonly T[]) => boolean
): readonly T[] {
  let rest = items
  for (let end = items.length; end > 0; end -= size) {
    const some = [...rest.slice(0, Math.max(0, end - size)), ...rest.slice(end)]
    if (some.length > 0 && some.length < rest.length && stillFails(some)) rest = some
  }
  return rest
}
