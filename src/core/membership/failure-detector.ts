/**
 * What silence says of a member: that it is suspect, then unreachable. It never says that the member is dead.
 *
 * Silence is measured from the last word of a member, or from when this boot began to listen, and against how late the
 * member and this node are known to be (liveness/lateness.ts). That a boot has ended takes evidence: see members.ts.
 */
import type { CoreOptions } from '../options.ts'
import { Lateness } from '../liveness/liveness.ts'
import { isOut, type Member, type MemberStatus } from './member.ts'

export class FailureDetector {
  readonly lateness: Lateness = new Lateness()
  readonly #options: Pick<CoreOptions, 'suspectMs' | 'unreachableMs'>
  /** Since when this boot has listened. */
  #since = Number.NEGATIVE_INFINITY

  constructor(options: Pick<CoreOptions, 'suspectMs' | 'unreachableMs'>) {
    this.#options = options
  }

  get since(): number {
    return this.#since
  }

  /** From now on this boot listens. */
  listen(now: number): void {
    if (this.#since === Number.NEGATIVE_INFINITY) this.#since = now
  }

  /** This process stood still for `absentMs`, in which no member could be heard. */
  excuse(absentMs: number): void {
    this.#since += absentMs
  }

  status(member: Member, now: number): MemberStatus {
    if (isOut(member)) return 'left'
    if (member.crashed) return 'crashed'
    if (this.isUnreachable(member, now)) return 'unreachable'
    return now - member.heardAt >= this.#suspectMs(member) ? 'suspect' : 'alive'
  }

  /** Whether a member has been silent for as long as makes it unreachable. */
  isUnreachable(member: Member, now: number): boolean {
    const silentMs = now - Math.max(member.heardAt, this.#since)
    return silentMs - this.lateness.of(member) >= this.#options.unreachableMs
  }

  /** When a member was heard last, here or by others; if never, when this boot began to listen. */
  silentSince(member: Member | undefined): number {
    return Math.max(this.#since, member?.heardAt ?? -Infinity, member?.mentionedAt ?? -Infinity)
  }

  /**
   * Whether the boot that is linked seems to run still: its link has never broken since it spoke, less long ago than
   * makes it suspect. It would say so itself if it went, or if it were another one now.
   */
  livesOn(member: Member, now: number): boolean {
    const { spoken, crashed, broken } = member
    if (!spoken || isOut(member) || crashed || broken) return false
    return now - member.heardAt < this.#suspectMs(member)
  }

  #suspectMs(member: Member): number {
    return this.#options.suspectMs + this.lateness.of(member)
  }
}
