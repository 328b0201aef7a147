/**
 * How tasks come into the cluster: a caller's draft becomes a record, held by the node that took it.
 *
 * A task under an idempotency key is named by the key, so that all who submit it mean the same task. Two nodes may do
 * so in the same instant. So such a task is not started before all have confirmed to know of it
 * (claim/claim-barrier.ts), and the caller is answered then, too: by then this node knows whether another was faster. A
 * key names its task for as long as the task is to be kept, even if it has been pruned before, for lack of room
 * (gc/key-tombstones.ts; first-use.ts).
 */
import { hlcMs, type Hlc } from '../base/hlc.ts'
import { taskId, type TaskId } from '../base/ids.ts'
import { compareValues } from '../base/order.ts'
import { isPruned, type Context } from '../context.ts'
import type { Effect } from '../effect.ts'
import { FirstUse } from './first-use.ts'
import type { Input } from '../input.ts'
import type { BlobReplication } from '../blobs/blob-replication.ts'
import { canReachApart, disksWith, judgementOf } from '../replication/replication.ts'
import type { Entry } from '../log/entry.ts'
import type { Copies, PendingOf, Placed, Waiting } from '../pending.ts'
import type { GroupCommit } from '../replication/group-commit.ts'
import type { SettledFloor } from '../gc/settled-floor.ts'
import { firstClaim } from '../claim/claim.ts'
import type { Reclaim } from '../claim/reclaim.ts'
import { isBlob } from '../task/content.ts'
import type { TaskDraft } from '../task/spec.ts'

type Submission = Extract<Input, { kind: 'submit' }>
type Accepted = Extract<Effect, { kind: 'accepted' }>

/** It travels with the record. */
const PLACED: Placed = { isThere: true, short: false }

type Parts = Readonly<{
  groupCommit: GroupCommit
  reclaims: Reclaim
  blobReplication: BlobReplication
  settledFloor: SettledFloor
}>

/** An answer that waits until this node knows whether it was the first to submit the key. */
type Unconfirmed = Readonly<{
  pending: PendingOf<'accept'>
  entry: Entry
  copies: Copies
  deadline: number
}>

/** An answer that waits until a task that was known already is on as many other disks as the caller wants. */
type Recognised = PendingOf<'recognise'>

export class TaskSubmission {
  readonly #context: Context
  readonly #groupCommit: GroupCommit
  readonly #reclaims: Reclaim
  readonly #blobReplication: BlobReplication
  readonly #settledFloor: SettledFloor
  readonly #firstUse: FirstUse
  readonly #consider: (entries: readonly Entry[]) => void
  /** Under keys whose tasks are not here; what else waits for a copy of its payload is another task anyway. */
  readonly #placing = new Map<TaskId, Set<Submission>>()
  readonly #unconfirmed: Unconfirmed[] = []
  #recognised: Recognised[] = []

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

  /** The others have been asked for a key. */
  answered({ taskId, isForgotten }: Omit<PendingOf<'key'>, 'kind'>): void {
    for (const input of this.#firstUse.answered(taskId)) {
      if (isForgotten && this.#known(input) === undefined) this.#acceptSpent(input)
      else this.#accept(input)
    }
  }

  assertInvariants(): void {
    this.#firstUse.assertInvariants()
  }

  #accept(input: Submission): void {
    const { payload } = input.draft
    if (input.id !== null && isPruned(this.#context, input.id)) return this.#acceptSpent(input)
    const missed = this.#known(input) === undefined ? this.#missed(input.draft) : undefined
    if (missed !== undefined) return this.#refuse(input, missed)
    if (this.#known(input) === undefined && isBlob(payload)) {
      this.#notePlacing(input)
      this.#blobReplication.place(payload, input.acks, { kind: 'create', input })
    } else this.#take(input, PLACED)
  }

  #notePlacing(input: Submission): void {
    if (input.id === null) return
    this.#placing.set(input.id, (this.#placing.get(input.id) ?? new Set()).add(input))
  }

  /** A task is here: it is what those mean who wait with its key, though it may be forgotten when they need not wait. */
  came(entry: Entry): void {
    const placing = this.#placing.get(entry.id)
    if (placing === undefined) return
    this.#placing.delete(entry.id)
    for (const input of placing) this.#acceptKnown(input, entry)
  }

  /** The payload is elsewhere, too, or has waited for that. */
  create({ input, copies, short }: PendingOf<'create'> & Copies): void {
    if (input.id !== null && !this.#isPlaced(input)) return
    this.#take(input, { isThere: copies > 0, short })
  }

  /** Whether it has waited for this: else the task of its key has come meanwhile. */
  #isPlaced(input: Submission): boolean {
    const placing = this.#placing.get(input.id!)
    const isPlaced = placing?.delete(input) === true
    if (placing?.size === 0) this.#placing.delete(input.id!)
    return isPlaced
  }

  /**
   * Answers the callers for whom it has become clear whether another node was faster: claims are confirmed in the order
   * of submission.
   */
  releaseConfirmed(): void {
    for (const taskId of this.#firstUse.known()) this.answered({ taskId, isForgotten: false })
    if (this.#recognised.length > 0) this.#releaseRecognised()
    if (this.#unconfirmed.length === 0) return
    const { now } = this.#context
    const first = this.#unconfirmed.findIndex(
      ({ entry, deadline }) => this.#reclaims.isUnconfirmed(entry) && now < deadline
    )
    const over = this.#unconfirmed.splice(0, first < 0 ? this.#unconfirmed.length : first)
    for (const { pending, entry, copies } of over) this.#answer(pending, entry, copies)
  }

  /** What waits to be taken in, or to be answered. */
  *pending(): Generator<Waiting> {
    yield* this.#firstUse.pending()
    for (const { pending, deadline } of this.#unconfirmed) {
      yield { pending, until: { on: 'confirmation', deadline } }
    }
    for (const pending of this.#recognised) {
      const { created: writes, input, deadline } = pending
      yield { pending, until: { on: 'copies', writes, acks: input.acks, deadline } }
    }
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
    const { draft, acks } = input
    const { self, log, clock, counters, wallMs, emit } = this.#context
    counters.submitted++
    const at = clock.stamp(wallMs)
    const seq = log.nextSeq
    const id = input.id ?? this.#newId(hlcMs(at), seq)
    const entry = log.create({
      spec: { ...draft, id, submittedAt: at, submittedBy: self },
      created: [{ origin: self, seq }],
      claim: firstClaim(self),
      started: null,
      cancelRequest: null,
      outcome: null
    })
    if (input.id !== null) this.#reclaims.submitted(entry)
    this.#groupCommit.urge()
    emit({ kind: 'created', request: input.request, taskId: id })
    this.#consider([entry])
    const pending = { kind: 'accept', input, taskId: id, at, payload: placed } as const
    this.#groupCommit.onceCopied(seq, acks, pending)
  }

  /** The task is on as many other disks as the caller wants, or has waited for that. */
  accept(accept: PendingOf<'accept'> & Copies): void {
    const { input, at, payload, short } = accept
    const { log, now, options } = this.#context
    const copies = {
      copies: payload.isThere ? accept.copies : 0,
      short: short || (payload.short && input.acks !== 0)
    }
    const { kind, taskId } = accept
    const entry = log.get(taskId)
    if (input.id === null || entry === undefined) return this.#answer(accept, entry, copies)
    const pending = { kind, input, taskId, at, payload }
    this.#unconfirmed.push({ pending, entry, copies, deadline: now + options.acksTimeoutMs })
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
    const { now, options, emit } = this.#context
    const { id: taskId, record } = entry
    const { created } = record
    const deadline = now + options.acksTimeoutMs
    emit({ kind: 'notify', event: { name: 'task:deduplicated', taskId } })
    emit({ kind: 'created', request: input.request, taskId })
    this.#groupCommit.onceDurable({ kind: 'recognise', input, taskId, created, deadline })
  }

  /** The task of the key is on our own disk. */
  recognise(pending: PendingOf<'recognise'>): void {
    this.#recognised.push(pending)
    this.#releaseRecognised()
  }

  /**
   * Answers those whose task is on as many disks as they asked for, as far as members say, and those that waited
   * enough.
   */
  #releaseRecognised(): void {
    const { log, members, computer, now } = this.#context
    const reachable = {
      others: members.linked().length,
      apart: canReachApart(members, computer)
    }
    this.#recognised = this.#recognised.filter(pending => {
      const { input, created, deadline } = pending
      const disks = disksWith(members, created, computer)
      const { isEnough, short } = judgementOf(disks, input.acks, reachable)
      if (!isEnough && now < deadline) return true
      this.#answer(pending, log.get(pending.taskId), { copies: disks.copies, short })
      return false
    })
  }

  /** @param entry undefined: the task has been pruned since */
  #answer(
    pending: PendingOf<'accept' | 'recognise'>,
    entry: Entry | undefined,
    { copies, short }: Copies
  ): void {
    const { input, taskId } = pending
    const { request } = input
    const at = pending.kind === 'accept' ? pending.at : null
    // What was created here was ours, as far as anybody can tell.
    const gone = at === null ? 'forgotten' : 'no'
    const deduplicated = entry === undefined ? gone : this.#comparison(input, entry, at)
    this.#context.emit({ kind: 'accepted', request, taskId, acks: copies, short, deduplicated })
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
  #comparison({ draft }: Submission, entry: Entry, at: Hlc | null): Accepted['deduplicated'] {
    const { spec } = entry.record
    if (spec.submittedBy === this.#context.self && spec.submittedAt === at) return 'no'
    const isSame = spec.type === draft.type && compareValues(spec.payload, draft.payload) === 0
    return isSame ? 'same' : 'different'
  }
}
