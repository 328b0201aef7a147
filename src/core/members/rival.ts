/**
 * Two boots of one node at once: a data folder was cloned, and both copies run under one identity.
 *
 * A restart looks like that for a moment: the new boot may be heard before the link to the old one breaks. But then the old
 * one is silent. Only if it goes on to speak for as long as a member may be silent, there are two.
 */
import type { BootId } from '../base/ids.ts'
import type { Member } from './member.ts'

/** A newer boot speaks while the one that we know seems to run. */
export function noteRival(member: Member, boot: BootId, now: number): void {
  if (member.rival?.boot !== boot) member.rival = { boot, at: now }
}

/** The boot that claims to be newer than one that goes on to speak. */
export function twinOf({ rival, heardAt }: Member, suspectMs: number): BootId | null {
  return rival !== null && heardAt - rival.at >= suspectMs ? rival.boot : null
}
