/**
 * What a heartbeat does to what is known of its node: who is believed in what.
 *
 * A node that speaks itself, over its own link, says what is so: which boot of it runs, whatever its clock shows. What
 * others pass on of it keeps it alive, and tells how much it has. It may name another boot than the one that is known,
 * which is waited for beside that one as long as such words come; but it never takes its place, nor ends it.
 */
import { THIRD_PARTY_AHEAD_US, type Hlc } from '../base/hlc.ts'
import type { BootId, NodeId } from '../base/ids.ts'
import type { Heartbeat } from '../message.ts'
import { noteLag } from '../liveness/liveness.ts'
import type { CoreOptions } from '../options.ts'
import { goesOn } from './duplicate-identity.ts'
import {
  isInTime,
  isLater,
  isOut,
  isSameOnDisk,
  newMember,
  ofItself,
  passedOn,
  type Member
} from './member.ts'

/** A heartbeat, when it came, and from whom: its author, or a member that passes it on. */
type Word = Readonly<{ heartbeat: Heartbeat; now: number; by: NodeId }>

type Ground = Readonly<{
  /** The latest time that is believed when others say it. */
  horizon: Hlc
  isLinked(node: NodeId): boolean
  /** What a disk keeps of a member is another by now. */
  changed(member: Member): void
  /** A member has said what it has on disk. */
  raise(member: Member, said: Pick<Heartbeat, 'vector' | 'unreadable'>): void
}>

/** Boots of one node that only others speak of. Guess: nobody restarts more often than that within ten seconds. */
const BESIDE_MAX = 4

/**
 * Peers of whom it is remembered what they passed on last of one node. Guess: a little more than the design's fifty.
 */
const PASSERS_MAX = 64

/** A boot takes the place of the one that was known, or of none. Returns whether it does. */
export function begin(known: Member, word: Word, ground: Ground): boolean {
  const isOwnWord = word.by === known.node
  known.rumour = null
  if (!isBack(known, word, ground)) return false
  // A new boot may have lost what the old one had merged but not synced; it claims only what is on its disk.
  known.vector.clear()
  known.unreadable.clear()
  known.passedOn.clear()
  known.lagsMs.length = 0
  known.beside.clear()
  known.younger = known.elder = null
  // Both have spoken, and one of them only goes on: the other was a copy of it, or had a clock of the future.
  if (isOwnWord && known.proven && word.heartbeat.boot < known.heartbeat.boot) {
    known.over = known.heartbeat.boot
  }
  known.heartbeat = ofItself(isOwnWord ? word.heartbeat : inTime(word.heartbeat, ground))
  known.spoken = known.proven = false
  known.crashed = known.broken = false
  ground.changed(known)
  note(known, word, ground)
  return true
}

/** The boot that we know speaks, or is spoken of. Returns whether it is back. */
export function hearAgain(known: Member, word: Word, ground: Ground): boolean {
  const { heartbeat, by } = word
  const isOwnWord = by === known.node
  const before = isOwnWord ? known.saidAt : (known.passedOn.get(by) ?? 0)
  if (known.crashed || heartbeat.at < before) return false
  const wasOut = isOut(known)
  if (!isBack(known, word, ground)) return false
  const isNew = isOwnWord && (!known.proven || !isSameOnDisk(known.heartbeat, heartbeat))
  if (wasOut || isNew) ground.changed(known)
  if (isOwnWord) {
    known.heartbeat = ofItself(heartbeat)
    // A word that was still on its way when the link broke says nothing of the time since.
    if (ground.isLinked(known.node)) known.broken = false
    known.beside.clear()
  } else if (heartbeat.at >= known.heartbeat.at) {
    known.heartbeat = passedOn(known, ofItself(inTime(heartbeat, ground)))
  }
  note(known, word, ground)
  return wasOut
}

/** Others speak of another boot than the one that we know. Returns whether it takes the place of one that is over. */
export function hearOf(known: Member, word: Word, ground: Ground): boolean {
  const { heartbeat, by } = word
  const { boot } = heartbeat
  const isOlder = boot < known.heartbeat.boot
  if (isOlder && known.proven) return false
  if (isOut(known) && (!isOlder || !isInTime(known.heartbeat.boot, ground.horizon))) {
    if (isOlder) known.departure = null
    return begin(known, word, ground)
  }
  if (!isLater(heartbeat, known.departure)) return false
  const other = known.beside.get(boot) ?? newMember(ofItself(inTime(heartbeat, ground)))
  if (heartbeat.at < (other.passedOn.get(by) ?? 0)) return false
  note(other, word, ground)
  // The one that was heard of last is the last.
  known.beside.delete(boot)
  known.beside.set(boot, other)
  if (known.beside.size > BESIDE_MAX) known.beside.delete(known.beside.keys().next().value!)
  return false
}

/**
 * Whether a boot with an older name may take the place of the one that is known: that one has not spoken to us, or is
 * over. Its link need not have broken: one that was a copy of the other shares the link with it, and has ended itself.
 */
export function mayBeReplaced(
  known: Member,
  boot: BootId,
  now: number,
  { suspectMs }: Pick<CoreOptions, 'suspectMs'>
): boolean {
  if (!known.spoken || isOut(known) || known.crashed) return true
  return (known.broken || goesOn(known, boot, suspectMs)) && now - known.heardAt >= suspectMs
}

function note(member: Member, word: Word, ground: Ground): void {
  const { heartbeat, now, by } = word
  member.heardAt = now
  noteLag(member.lagsMs, heartbeat.loopLagMs)
  ground.raise(member, heartbeat)
  if (by !== member.node) {
    member.passedOn.delete(by)
    member.passedOn.set(by, heartbeat.at)
    if (member.passedOn.size > PASSERS_MAX) {
      member.passedOn.delete(member.passedOn.keys().next().value!)
    }
    return
  }
  member.spoken = member.proven = true
  member.saidAt = heartbeat.at
  member.lastWordAt = now
}

/** Whether a word stands against what is known of a departure. */
function isBack(known: Member, { heartbeat, by }: Word, ground: Ground): boolean {
  const { departure, firstHand, node } = known
  if (isLater(heartbeat, departure)) return true
  if (by !== node || departure === firstHand || !ground.isLinked(node)) return false
  // Others said that it has left, and it speaks on a link of its own.
  known.rumour = departure!.boot === heartbeat.boot ? departure : null
  known.departure = null
  ground.changed(known)
  return true
}

/** A time that only others say and that lies too far ahead does not count. */
function inTime(heartbeat: Heartbeat, { horizon }: Ground): Heartbeat {
  if (heartbeat.at <= horizon) return heartbeat
  return { ...heartbeat, at: horizon - THIRD_PARTY_AHEAD_US }
}
