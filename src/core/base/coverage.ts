/**
 * What a replica has, as far as it says: a version vector, and the writes that the vector has passed and that it could not
 * read. These it does not have. Whoever asks whether somebody has a write, or as much as somebody else, asks here: a vector
 * alone says too much.
 */
import { Dots, type Stretch } from './dots.ts'
import type { BootId } from './ids.ts'
import { reach } from './vector.ts'

export type Coverage = Readonly<{
  vector: ReadonlyMap<BootId, number>
  /** Writes that it has passed without being able to read them. */
  unreadable: Dots
}>

/** A notebook as a replica has it: up to which write, and what of that it could not read. */
export type Standing = Readonly<{ reach: (origin: BootId) => number; unreadable: Dots }>

/** What a message says of it. Of each boot in the vector, it names all writes that its sender cannot read. */
type Said = Readonly<{
  vector: ReadonlyMap<BootId, number>
  /** @default none */
  unreadable?: readonly Stretch[]
}>

/** More stretches of writes than this nobody has to tell: see log/unreadable.ts. */
export const UNREADABLE_MAX = 1024

export function standingOf({ vector, unreadable }: Coverage): Standing {
  return { reach: origin => reach(vector, origin), unreadable }
}

/** Whether a replica has a write. */
export function covers(
  { vector, unreadable }: Coverage,
  dot: Readonly<{ origin: BootId; seq: number }>
): boolean {
  return reach(vector, dot.origin) >= dot.seq && !unreadable.has(dot)
}

/** Whether a replica has all that another one has of a boot up to `upTo`. What neither could read does not count. */
export function hasAsMuch(
  mine: Standing,
  theirs: Pick<Coverage, 'unreadable'>,
  origin: BootId,
  upTo: number
): boolean {
  if (mine.reach(origin) < upTo) return false
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
  const known = new Map<BootId, number>()
  return dot => {
    let common = known.get(dot.origin)
    if (common === undefined) {
      common = Math.min(...all.map(({ vector }) => reach(vector, dot.origin)))
      known.set(dot.origin, common)
    }
    return common >= dot.seq && !unread.some(({ unreadable }) => unreadable.has(dot))
  }
}

/** Whether the next write of a boot that one lacks who stands at `upTo` can be had from a replica. */
export function canGive(theirs: Coverage, origin: BootId, upTo: number): boolean {
  return covers(theirs, { origin, seq: upTo + 1 })
}

/**
 * A replica has said more of what it has. Words may be lost, come twice or in another order, and may speak of some boots
 * only. As long as its boot lives, a vector only rises, and what a vector has passed is only ever read, never the
 * other way. So of the writes up to the lower of both words those are unreadable that both name.
 */
export function raise(
  { vector, unreadable }: Readonly<{ vector: Map<BootId, number>; unreadable: Dots }>,
  { vector: news, unreadable: named = [] }: Said
): void {
  // A replica that has closed a boot does not mention older ones of its node any more.
  for (const boot of vector.keys()) {
    if (news.has(boot) || reach(news, boot) === 0) continue
    vector.delete(boot)
    unreadable.drop(boot)
  }
  if (named.length === 0 && unreadable.isEmpty) {
    for (const [boot, upTo] of news) if (upTo > (vector.get(boot) ?? 0)) vector.set(boot, upTo)
    return
  }
  const said = new Dots(named)
  for (const [boot, upTo] of news) {
    const before = vector.get(boot) ?? 0
    const list = said.of(boot).filter(({ after }) => after < upTo)
    // Whoever names more than anybody may is not believed to have read the rest.
    if (upTo > before && unreadable.size + list.length > UNREADABLE_MAX) continue
    keepNamed(unreadable, said, boot, Math.min(before, upTo))
    if (upTo <= before) continue
    vector.set(boot, upTo)
    for (const each of list) {
      const stretch = {
        ...each,
        after: Math.max(each.after, before),
        upTo: Math.min(each.upTo, upTo)
      }
      if (stretch.after < stretch.upTo) unreadable.add(stretch)
    }
  }
}

/** Of the writes up to `upTo`, what is not named any more has been read. */
function keepNamed(unreadable: Dots, said: Dots, origin: BootId, upTo: number): void {
  const known = unreadable.of(origin).filter(({ after }) => after < upTo)
  if (known.length === 0) return
  const read = new Dots(known.map(each => ({ ...each, upTo: Math.min(each.upTo, upTo) })))
  for (const named of said.of(origin)) read.remove(named)
  for (const stretch of read.of(origin)) unreadable.remove(stretch)
}
