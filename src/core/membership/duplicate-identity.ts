/**
 * Two boots of one node at once: a data folder was cloned, and both copies run under one identity.
 *
 * A restart looks like that for a moment: the new boot may be heard before the link to the old one breaks, and the last
 * words of the old one may come after the first of the new one. But then the old one is silent. Only if it goes on to
 * speak for as long as a member may be silent, there are two. Which of them was believed by then does not matter: the
 * copy is the one that was started later. It ends itself; once it has been silent for as long, the one that goes on to
 * speak counts again, and the copy is over for good (hearing.ts).
 */
import type { BootId } from '../base/ids.ts'
import type { Heartbeat } from '../message.ts'
import type { Member } from './member.ts'

/** A newer boot speaks while the one that we know seems to run. */
export function noteDuplicate(member: Member, boot: BootId, now: number): void {
  const { younger } = member
  member.younger = { boot, at: younger?.boot === boot ? younger.at : now, heardAt: now }
}

/** A boot speaks that the one that we know should have replaced: that is no news of it. */
export function noteElder(member: Member, { boot, at, addresses }: Heartbeat, now: number): false {
  if (member.elder?.boot !== boot) {
    member.elder = { boot, at: now, saidAt: at, heardAt: now, addresses }
  } else if (at > member.elder.saidAt) {
    member.elder = { ...member.elder, saidAt: at, heardAt: now, addresses }
  }
  return false
}

/**
 * The boot that was started while an older one went on to speak, where that older one is, and when the one that is not
 * believed spoke last.
 */
export type Twin = Readonly<{ boot: BootId; addresses: readonly string[]; heardAt: number }>

/** Whether an older boot has gone on to speak for as long as a member may be silent. */
export function goesOn({ elder }: Member, boot: BootId, suspectMs: number): boolean {
  return elder?.boot === boot && elder.heardAt - elder.at >= suspectMs
}

export function twinOf(
  { younger, elder, heardAt, heartbeat }: Member,
  suspectMs: number
): Twin | null {
  if (younger !== null && heardAt - younger.at >= suspectMs) {
    return { boot: younger.boot, addresses: heartbeat.addresses, heardAt: younger.heardAt }
  }
  if (elder === null || elder.heardAt - elder.at < suspectMs) return null
  return { boot: heartbeat.boot, addresses: elder.addresses, heardAt: elder.heardAt }
}

/** Whether a boot, or a later one, is known to speak beside a newer one of its node, and was heard since then. */
export function isElderHeard({ elder }: Member, boot: BootId, since: number): boolean {
  return elder !== null && elder.boot <= boot && elder.heardAt > since
}

/**
 * Whether the boot of a member has been the only one of its node to speak for long enough: two processes on copies of
 * one data folder are known to be two by then.
 */
export function hasBeenAlone(
  { heartbeat, firstWord, elder }: Member,
  now: number,
  ms: number
): boolean {
  if (firstWord?.boot !== heartbeat.boot) return false
  return now - Math.max(firstWord.at, elder?.heardAt ?? Number.NEGATIVE_INFINITY) >= ms
}
