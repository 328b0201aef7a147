/**
 * How a node stops taking work, and how it goes.
 *
 * Draining, it starts nothing more and hands on what is queued, for as long as it stays. Leaving is the same with an
 * end: when nothing runs and all that it wrote is safe with others, it says goodbye, and goes when they have answered.
 * Without their answers a goodbye that is lost on its way would make a crash of it.
 *
 * So a node that knows a member that has not left, or has tasks that have not settled, waits for one to come. For how
 * long is up to the caller that told it to leave, and that says with `abort` when the time is over.
 */
import type { NodeId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import type { Input } from '../input.ts'
import type { WorkStealing } from '../steal/work-stealing.ts'
import type { BlobReplication } from '../blobs/blob-replication.ts'
import type { Member } from '../membership/member.ts'
import type { Drain, Farewell, Undrain } from '../message.ts'
import type { Heartbeats } from '../liveness/heartbeat.ts'
import type { GroupCommit } from '../replication/group-commit.ts'
import type { CountsGossip } from '../telemetry/counts-gossip.ts'
import type { Scheduler } from '../scheduling/scheduler.ts'

type Parts = Readonly<{
  scheduler: Scheduler
  workStealing: WorkStealing
  groupCommit: GroupCommit
  blobReplication: BlobReplication
  heartbeats: Heartbeats
  countsGossip: CountsGossip
  /** Whether a task is known here that has not settled. */
  hasUnsettled: () => boolean
}>

/**
 * Time after the first answer to a goodbye in which the others have to answer it: one that does not hears of it from
 * the first. Guess: 100 round trips on a busy LAN.
 */
const ANSWER_MS_MAX = 1000

export class Shutdown {
  readonly #context: Context
  readonly #parts: Parts
  #state: 'no' | 'draining' | 'leaving' | 'saying goodbye' | 'gone' = 'no'
  /** Nothing is held here any more. */
  #handedOn = false
  #leavingSince = Number.POSITIVE_INFINITY
  /** Nobody is waited for any more. */
  #isHurried = false
  /** Nodes that have it on disk that we go, and when the first of them said so. */
  readonly #answered = new Map<NodeId, number>()

  constructor(context: Context, parts: Parts) {
    this.#context = context
    this.#parts = parts
  }

  /** A caller here wants a node to take nothing more, or tasks again: this one, or another, which is asked. */
  tellNode({ kind, node }: Extract<Input, { kind: 'drain' | 'undrain' }>): void {
    const { node: own, members, emit } = this.#context
    const boot = members.get(node)?.heartbeat.boot
    if (node === own) this.#heed(kind)
    else if (boot !== undefined) emit({ kind: 'send', to: node, message: { kind, boot } })
  }

  #heed(kind: 'drain' | 'undrain'): void {
    if (kind === 'drain') this.drain()
    else this.#undrain()
  }

  /** Whether this node would go, if there were a member to say goodbye to. */
  get isWaiting(): boolean {
    const { members, now } = this.#context
    return this.#state === 'leaving' && this.#mayWait && members.linkedOrHeard(now).length === 0
  }

  drain(): void {
    if (this.#state !== 'no') return
    this.#state = 'draining'
    this.#tell('node:draining')
    this.#parts.scheduler.drain(false)
    this.#parts.heartbeats.publish()
  }

  /** A node that leaves goes on leaving. */
  #undrain(): void {
    if (this.#state !== 'draining') return
    this.#state = 'no'
    this.#tell('node:undrained')
    this.#parts.scheduler.slots.open()
    this.#parts.heartbeats.publish()
  }

  /** @param abort what runs is ended and handed on, too, and no node is waited for that is not there */
  leave(abort: boolean): void {
    this.#isHurried ||= abort
    if (this.#state === 'saying goodbye' || this.#state === 'gone') return
    const { scheduler, blobReplication, groupCommit, heartbeats } = this.#parts
    if (this.#state === 'no') this.#tell('node:draining')
    if (this.#state !== 'leaving') this.#leavingSince = this.#context.now
    this.#state = 'leaving'
    scheduler.drain(abort)
    blobReplication.drain()
    groupCommit.leave()
    heartbeats.publish()
  }

  /** Those round this node, too: processes that work for it. */
  #tell(name: 'node:draining' | 'node:undrained'): void {
    const { node, name: nodeName, emit } = this.#context
    emit({ kind: 'notify', event: { name, node, nodeName } })
  }

  tick(): void {
    if (this.#state === 'leaving') this.#parts.groupCommit.urge()
    if (this.#state === 'saying goodbye') this.#sayGoodbye()
  }

  /** A member wants us to drain or to drain no more, or knows that we go. */
  heard(from: NodeId, { kind, boot }: Drain | Undrain | Farewell): void {
    if (boot !== this.#context.self) return
    if (kind !== 'farewell') this.#heed(kind)
    else if (!this.#answered.has(from)) this.#answered.set(from, this.#context.now)
  }

  /** Hands on what is queued, as far as there is a member to take it. */
  handOn(): void {
    if (this.#state !== 'draining' && this.#state !== 'leaving') return
    this.#handedOn = this.#parts.workStealing.handOn()
  }

  /** The last thing that a node does. */
  go(): void {
    if (this.#state === 'leaving' && this.#isFree()) {
      this.#state = 'saying goodbye'
      this.#parts.groupCommit.dissemination.tellAll()
      this.#sayGoodbye()
    }
    if (this.#state !== 'saying goodbye' || !this.#isHeard() || !this.#isSafe) return
    this.#state = 'gone'
    this.#context.emit({ kind: 'left' })
  }

  /** Nothing is left to do here. */
  #isFree(): boolean {
    const { members, now } = this.#context
    const { scheduler, workStealing } = this.#parts
    const isAlone = members.linkedOrHeard(now).length === 0
    if (isAlone ? this.#mayWait : !this.#handedOn) return false
    if (scheduler.isBusy || workStealing.isAsking) return false
    return this.#isSafe
  }

  /**
   * Whether others have all that this node has. What comes after the first goodbye may be the last words of a crashed
   * node.
   */
  get #isSafe(): boolean {
    const { groupCommit, blobReplication } = this.#parts
    return groupCommit.isSafeElsewhere && blobReplication.isSafeElsewhere
  }

  /**
   * Whether a member would miss this node, or something with it. One that is just being met has to say who it is first.
   */
  get #mayWait(): boolean {
    const { members, now } = this.#context
    if (this.#isHurried) return false
    if (members.hasStrangers() && now - this.#leavingSince < ANSWER_MS_MAX) return true
    return members.notLeft().length > 0 || this.#parts.hasUnsettled()
  }

  #sayGoodbye(): void {
    const { members, self, log, emit } = this.#context
    const upTo = log.nextSeq - 1
    // A member that has answered asks us for nothing more, unless it is told once more.
    const isTold = this.#isSafe ? this.#answered : new Set()
    for (const { node } of members.all()) {
      // Of two that go together, each tells the other.
      if (!members.isLinked(node) || isTold.has(node)) continue
      this.#parts.countsGossip.tell(node)
      // Members that have left before may be known here alone.
      emit({ kind: 'send', to: node, message: this.#parts.heartbeats.answer() })
      emit({ kind: 'send', to: node, message: { kind: 'goodbye', boot: self, upTo } })
    }
  }

  /**
   * All that seem to listen know that we go; or one that stays does, and has had time to tell the others. If only those
   * know that go as well, the others would never hear of it.
   */
  #isHeard(): boolean {
    const { members, now } = this.#context
    const present = members.notLeft()
    const hasAnswered = ({ node }: Member): boolean => this.#answered.has(node)
    const isLate = ({ node }: Member): boolean => now - this.#answered.get(node)! >= ANSWER_MS_MAX
    const stay = ({ heartbeat }: Member): boolean => !heartbeat.draining || this.#isHurried
    const keepers = present.filter(hasAnswered).filter(stay)
    if (keepers.some(isLate)) return true
    if (!members.linkedAndAlive(now).every(hasAnswered)) return false
    return keepers.length > 0 || this.#isHurried || present.every(hasAnswered)
  }
}
