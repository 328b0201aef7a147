/**
 * How tasks come into the cluster: a caller's draft becomes a record, held by the node that took it.
 *
 * A task under an idempotency key is named by the key, so that all who submit it mean the same task. Two nodes may do
 * so in the same instant. So such a task is not started before all have confirmed to know of it
 * (claim/claim-barrier.ts), and the caller is answered then, too: by then this node knows whether another was faster. A
 * key names its task for as long as the task is to be kept, even if it has been pruned before, for lack of room
 * (gc/key-tombstones.ts; first-use.ts).
 */
import { hlcMs } from '../base/hlc.ts'
import { taskId, type TaskId } from '../base/ids.ts'
import { compareValues } from '../base/order.ts'
import { isPruned, type Context } from '../context.ts'
import type { Effect } from '../effect.ts'
import { FirstUse } from './first-use.ts'
import type { Input } from '../input.ts'
import type { BlobReplication } from '../blobs/blob-replication.ts'
import { canReachApart, disksWith, judgementOf } from '../replication/replication.ts'
import type { Entry } from '../log/entry.ts'
import type { GroupCommit } from '../replication/group-commit.ts'
import type { SettledFloor } from '../gc/settled-floor.ts'
import type { Reclaim } from '../claim/reclaim.ts'
import { isBlob } from '../task/content.ts'
import type { Dot } from '../task/record.ts'
import type { TaskDraft } from '../task/spec.ts'

type Submission = Extract<Input, { kind: 'submit' }>
type Accepted = Extract<Effect, { kind: 'accepted' }>

/**
 * Whether the payload is on another node, too, or travels with the record; and whether on too few, or one computer
 * only.
 */
type Placed = Readonly<{ isThere: boolean; short: boolean }>
const PLACED: Placed = { isThere: true, short: false }

type Parts = Readonly<{
  groupCommit: GroupCommit
  reclaims: Reclaim
  blobReplication: BlobReplication
  settledFloor: SettledFloor
}>

/** An answer that waits until this node knows whether it was the first to submit the key. */
type Pending = Readonly<{ entry: Entry; until: number; answer: () => void }>

/** An answer that waits until a task that was known already is on as many other disks as the caller wants. */
type Elsewhere = Readonly<{
  created: readonly Dot[]
  acks: number | null
  until: number
  answer: (copies: number, short: boolean) => void
}>

export class TaskSubmission {
  readonly #context: Context
  readonly #groupCommit: GroupCommit
  readonly #reclaims: Reclaim
  readonly #blobReplication: BlobReplication
  readonly #settledFloor: SettledFloor
  readonly #firstUse: FirstUse
  readonly #consider: (entries: readonly Entry[]) => void
  readonly #pending: Pending[] = []
  #elsewhere: Elsewhere[] = []

  constructor(
    context: Context,
    { groupCommit, reclaims, blobReplication, settledFloor }: Parts,
    consider: (entries: readonly Entry[]) => void
  ) {
    this.#context = context
    this.#groupCommit = groupCommit
    this.#reclaims = reclaims
    this.#blobReplication = blobReplication
    this.#settledFloor = settledFloor
    this.#firstUse = new FirstUse(context, settledFloor)
    this.#consider = consider
  }

  submit(input: Submission): void {
    const { payload } = input.draft
    // Whatever becomes of it: if no task comes to name it, it goes again.
    if (isBlob(payload)) this.#blobReplication.kept(payload)
    if (!this.#firstUse.holds(input)) this.#accept(input)
  }

  /** Keys of which others are to be asked whether they have been used. */
  takeQuestions(): readonly TaskId[] {
    return this.#firstUse.takeQuestions()
  }

  /** The others have been asked for a key. @param isForgotten one of them has had the task of the key */
  answered(id: TaskId, isForgotten: boolean): void {
    for (const input of this.#firstUse.answered(id)) {
      if (isForgotten && this.#known(input) === undefined) this.#acceptSpent(input)
      else this.#accept(input)
    }
  }

  #accept(input: Submission): void {
    const { payload } = input.draft
    if (input.id !== null && isPruned(this.#context, input.id)) return this.#acceptSpent(input)
    const missed = this.#known(input) === undefined ? this.#missed(input.draft) : undefined
    if (missed !== undefined) return this.#refuse(input, missed)
    if (this.#known(input) === undefined && isBlob(payload)) {
      this.#blobReplication.place(payload, input.acks, (copies, short) =>
        this.#take(input, { isThere: copies > 0, short })
      )
    } else this.#take(input, PLACED)
  }

  /**
   * Answers the callers for whom it has become clear whether another node was faster: claims are confirmed in the order
   * of submission.
   */
  settle(): void {
    if (this.#elsewhere.length > 0) this.#settleElsewhere()
    if (this.#pending.length === 0) return
    const { now } = this.#context
    const first = this.#pending.findIndex(
      ({ entry, until }) => this.#reclaims.isUnconfirmed(entry) && now < until
    )
    const over = this.#pending.splice(0, first < 0 ? this.#pending.length : first)
    for (const { answer } of over) answer()
  }

  #take(input: Submission, placed: Placed): void {
    const known = this.#known(input)
    if (known !== undefined) this.#acceptKnown(input, known)
    else this.#create(input, placed)
  }

  /**
   * A dependency that has been pruned, or may be elsewhere at any moment: no node could tell how it ended. A task
   * that runs anyway does not ask.
   */
  #missed({ dependsOn, onDependencyFailure }: TaskDraft): TaskId | undefined {
    const context = this.#context
    if (onDependencyFailure === 'run') return undefined
    return dependsOn.find(id => {
      const entry = context.log.get(id)
      return entry === undefined ? isPruned(context, id) : this.#settledFloor.isBelow(entry.record)
    })
  }

  #refuse({ request }: Submission, dependency: TaskId): void {
    this.#context.emit({ kind: 'refused', request, dependency })
  }

  #known({ id }: Submission): Entry | undefined {
    return id === null ? undefined : this.#context.log.get(id)
  }

  #create(input: Submission, placed: Placed): void {
    const { request, draft, acks } = input
    const { self, log, clock, counters, wallMs, options, emit } = this.#context
    counters.submitted++
    const at = clock.stamp(wallMs)
    const seq = log.nextSeq
    const id = input.id ?? this.#newId(hlcMs(at), seq)
    const entry = log.create({
      spec: { ...draft, id, submittedAt: at, submittedBy: self },
      created: [{ origin: self, seq }],
      claim: {
        epoch: 0,
        holder: self,
        attempt: 1,
        hops: 0,
        lost: [],
        notBefore: null,
        cause: 'submit'
      },
      started: null,
      cancelRequest: null,
      outcome: null
    })
    if (input.id !== null) this.#reclaims.submitted(entry)
    this.#groupCommit.urge()
    this.#consider([entry])
    this.#groupCommit.onceCopied(seq, acks, (copies, short) => {
      const answer = (): void =>
        emit({
          kind: 'accepted',
          request,
          taskId: id,
          acks: placed.isThere ? copies : 0,
          short: short || (placed.short && acks !== 0),
          deduplicated: this.#comparison(input, entry, at)
        })
      if (input.id === null) return answer()
      this.#pending.push({ entry, until: this.#context.now + options.acksTimeoutMs, answer })
    })
  }

  /** A peer may have made up a task that has the id which is next here: then the time in it is a little later. */
  #newId(ms: number, seq: number): TaskId {
    const { self, log } = this.#context
    for (let at = ms; ; at++) {
      const id = taskId(at, self, seq)
      if (log.get(id) === undefined) return id
    }
  }

  #acceptKnown(input: Submission, entry: Entry): void {
    const { request, acks } = input
    const { now, options, emit } = this.#context
    emit({ kind: 'notify', event: { name: 'task:deduplicated', taskId: entry.id } })
    const answer = (copies: number, short: boolean): void =>
      emit({
        kind: 'accepted',
        request,
        taskId: entry.id,
        acks: copies,
        short,
        deduplicated: this.#comparison(input, entry, null)
      })
    const { created } = entry.record
    const until = now + options.acksTimeoutMs
    this.#groupCommit.onceDurable(() => {
      this.#elsewhere.push({ created, acks, until, answer })
      this.#settleElsewhere()
    })
  }

  /**
   * Answers those whose task is on as many disks as they asked for, as far as members say, and those that waited
   * enough.
   */
  #settleElsewhere(): void {
    const { members, computer, now } = this.#context
    const reachable = {
      others: members.linked().length,
      apart: canReachApart(members, computer)
    }
    this.#elsewhere = this.#elsewhere.filter(({ created, acks, until, answer }) => {
      const disks = disksWith(members, created, computer)
      const { isEnough, short } = judgementOf(disks, acks, reachable)
      if (!isEnough && now < until) return true
      answer(disks.copies, short)
      return false
    })
  }

  /** The task has been, and is not run again. */
  #acceptSpent({ request, id }: Submission): void {
    const { emit } = this.#context
    const taskId = id!
    emit({ kind: 'notify', event: { name: 'task:deduplicated', taskId } })
    emit({
      kind: 'accepted',
      request,
      taskId,
      acks: 0,
      short: false,
      deduplicated: 'forgotten'
    })
  }

  /** Whether the task is another node's submission under the same key. @param at when ours was made, if one was */
  #comparison({ draft }: Submission, entry: Entry, at: number | null): Accepted['deduplicated'] {
    const { spec } = entry.record
    if (spec.submittedBy === this.#context.self && spec.submittedAt === at) return 'no'
    const isSame = spec.type === draft.type && compareValues(spec.payload, draft.payload) === 0
    return isSame ? 'same' : 'different'
  }
}
