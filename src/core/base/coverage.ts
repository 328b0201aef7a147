/**
 * What a replica has, as far as it says: a version vector, and the writes that the vector has passed and that it could
 * not read. These it does not have. Whether a replica has a write, or as much as another one, is answered here: a
 * vector alone says too much.
 */
import { beyond, common, cut, Dots, type Stretch } from './dots.ts'
import type { BootId } from './ids.ts'
import { covers, merge, reachIn, succeededIn, type Reach } from './version-vector.ts'

type Write = Readonly<{ origin: BootId; seq: number }>

export type Coverage = Readonly<{
  vector: ReadonlyMap<BootId, number>
  /** Writes that it has passed without being able to read them. */
  unreadable: Dots
}>

/** The log of one origin as a replica has it: up to which write, and what of that it could not read. */
export type Standing = Readonly<{ reach: Reach; unreadable: Dots }>

/**
 * What a message says of a replica's coverage. Of each boot in the vector, it names all writes that its sender cannot
 * read.
 */
type Said = Readonly<{
  vector: ReadonlyMap<BootId, number>
  /** @default none */
  unreadable?: readonly Stretch[]
}>

/** Most stretches of unreadable writes that a member may tell: see log/unreadable.ts. */
export const UNREADABLE_MAX = 1024

/**
 * Boots in the vector of one member of which nothing is known here. What is missing is fetched, and then they are
 * known; more of them can wait until then. Guess: some weeks of restarts.
 */
export const UNKNOWN_BOOTS_MAX = 1024

export function standingOf({ vector, unreadable }: Coverage): Standing {
  return { reach: reachIn(vector), unreadable }
}

/** Whether a replica has a write. */
export function hasWrite(
  { vector, unreadable }: Coverage,
  dot: Readonly<{ origin: BootId; seq: number }>
): boolean {
  return covers(reachIn(vector), dot) && !unreadable.has(dot)
}

/** `hasWrite` of one replica for many tasks: whether it has all writes that changed one. */
export function coveredBy({ vector, unreadable }: Coverage): {
  isWhole: (last: readonly Write[], task: Readonly<{ writes: readonly Write[] }>) => boolean
} {
  const reachOf = reachIn(vector)
  return {
    // Where nothing was passed unread, a replica that has the last write of a boot has all before it.
    isWhole: (last, task) =>
      last.every(dot => covers(reachOf, dot)) &&
      (unreadable.isEmpty || !task.writes.some(dot => unreadable.has(dot)))
  }
}

/** Whether a replica has all that another one has of a boot up to `upTo`. What neither could read does not count. */
export function hasAsMuch(
  mine: Standing,
  theirs: Pick<Coverage, 'unreadable'>,
  origin: BootId,
  upTo: number
): boolean {
  if (!covers(mine.reach, { origin, seq: upTo })) return false
  return mine.unreadable.isEmpty || mine.unreadable.isWithin(theirs.unreadable, origin, upTo)
}

/** Whether a replica has all that another one has, as far as that has told. */
export function hasAll(mine: Standing, theirs: Coverage): boolean {
  return [...theirs.vector].every(([origin, upTo]) => hasAsMuch(mine, theirs, origin, upTo))
}

/** Whether all of these replicas have a write. To be asked of many writes. */
export function commonTo(
  all: readonly Coverage[]
): (dot: Readonly<{ origin: BootId; seq: number }>) => boolean {
  const unread = all.filter(({ unreadable }) => !unreadable.isEmpty)
  const reaches = all.map(({ vector }) => reachIn(vector))
  const known = new Map<BootId, number>()
  return dot => {
    let common = known.get(dot.origin)
    if (common === undefined) {
      common = reaches.reduce((least, of) => Math.min(least, of(dot.origin)), Infinity)
      known.set(dot.origin, common)
    }
    return common >= dot.seq && !unread.some(({ unreadable }) => unreadable.has(dot))
  }
}

/** Whether a replica can give the next write of a boot to one that has merged up to `upTo`. */
export function canGive(theirs: Coverage, origin: BootId, upTo: number): boolean {
  return hasWrite(theirs, { origin, seq: upTo + 1 })
}

/**
 * A replica has said more of what it has. Words may be lost, come twice or in another order, and may speak of some
 * boots only. As long as its boot lives, a vector only rises, and what a vector has passed is only ever read, never the
 * other way. So of the writes up to the lower of both words those are unreadable that both name.
 *
 * @param isKnown whether anything of a boot is known here: of others a peer could invent any number
 */
export function raise(
  { vector, unreadable }: Readonly<{ vector: Map<BootId, number>; unreadable: Dots }>,
  { vector: all, unreadable: named = [] }: Said,
  isKnown: (boot: BootId) => boolean = () => true
): void {
  // A replica that has retired a boot does not mention older ones of its node any more.
  for (const boot of succeededIn(vector, all)) {
    if (all.has(boot)) continue
    vector.delete(boot)
    unreadable.drop(boot)
  }
  const news = bounded(vector, all, isKnown)
  if (named.length === 0 && unreadable.isEmpty) return merge(vector, news)
  const said = new Dots(named)
  const over = new Set(succeededIn(news, vector))
  for (const [boot, upTo] of news) {
    // The word is older than the one by which the boot was retired.
    if (over.has(boot)) continue
    const before = vector.get(boot) ?? 0
    const known = unreadable.of(boot)
    // Up to where both have spoken, what one of them has read is read; beyond that there is one word alone.
    const left = joined(
      common(known, said.of(boot), Math.min(before, upTo)),
      upTo > before ? cut(beyond(said.of(boot), before), upTo) : beyond(known, upTo)
    )
    // A member that names more than any may is not believed at all.
    if (unreadable.size - known.length + left.length > UNREADABLE_MAX) continue
    unreadable.set(boot, left)
    if (upTo > before) vector.set(boot, upTo)
  }
}

/** Two lists, of which the second begins where the first ends, or later. */
function joined(first: readonly Stretch[], second: readonly Stretch[]): readonly Stretch[] {
  const [last, next] = [first.at(-1), second[0]]
  if (last === undefined || next === undefined || last.upTo < next.after) {
    return [...first, ...second]
  }
  return [...first.slice(0, -1), { ...next, after: last.after }, ...second.slice(1)]
}

/** The entries that may be kept beside those that are. */
function bounded(
  vector: ReadonlyMap<BootId, number>,
  news: ReadonlyMap<BootId, number>,
  isKnown: (boot: BootId) => boolean
): ReadonlyMap<BootId, number> {
  const invented = [...news.keys()].filter(boot => !vector.has(boot) && !isKnown(boot))
  if (invented.length === 0) return news
  const kept = [...vector.keys()].filter(boot => !isKnown(boot)).length
  const excess = new Set(invented.slice(Math.max(0, UNKNOWN_BOOTS_MAX - kept)))
  return excess.size === 0 ? news : new Map([...news].filter(([boot]) => !excess.has(boot)))
}
