/**
 * Submissions under way: checked, handed to the core, and answered when it has accepted them.
 */
import { createHash } from 'node:crypto'
import { keyedTaskId, type TaskId } from '../../core/base/ids.ts'
import type { Input } from '../../core/input.ts'
import { isBlob, type BlobRef } from '../../core/task/content.ts'
import type { TaskDraft, TaskSpec } from '../../core/task/spec.ts'
import { DependencyForgottenError, NotReplicatedError } from '../../shared/errors.ts'
import { utf8Pieces } from '../../shared/utf8-chunks.ts'
import type { Tracing } from '../../ports/tracing.ts'
import type { Admission } from './admission.ts'
import { withNeeds, withNeedsOf } from './command-needs.ts'
import type { Payloads } from './payloads.ts'
import type { EndListener, IdListener, Submitted } from '../api/node-api.ts'
import { checkOptions, checkSubmission, type Submission } from './task-options.ts'

/**
 * The task stands. `short`: fewer members than asked for have it on disk, or none on another computer that is there.
 */
type Accepted = Readonly<{
  taskId: TaskId
  acks: number
  short: boolean
  deduplicated: 'no' | 'same' | 'different' | 'forgotten'
}>

export type SubmissionsOptions = Readonly<{
  payloads: Payloads
  /** Where submitters wait while this node is behind. */
  admission: Admission
  feed: (input: Input) => void
  /** Copies for submissions that do not say it themselves. */
  acks: number | null
  /** Rejects if a handler here would refuse the payload, JSON text. Null at once if there is nothing to check. */
  assertPayload: (type: string, payload: string) => Promise<void> | null
  /** The wall clock, in ms since 1970. */
  now: () => number
  cluster: string
  /** @default nobody collects traces */
  tracing?: Tracing | undefined
  /** Throws if the node accepts nothing now. */
  assertAccepting: () => void
  /** Before this a task is not to be started, in ms since 1970; null: at any time, or the task is not known. */
  startsAt: (id: TaskId) => number | null
  /** What a caller should know who submits this task. */
  warnings: (draft: TaskDraft) => string[]
}>

type Open = PromiseWithResolvers<Accepted> & Callbacks

type Callbacks = Readonly<{ listener: EndListener | undefined; named: IdListener | undefined }>

export class Submissions {
  readonly #options: SubmissionsOptions
  readonly #open = new Map<number, Open>()
  #requests = 0

  constructor(options: SubmissionsOptions) {
    this.#options = options
  }

  async submit(
    type: string,
    payload: unknown,
    options: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
    listener?: EndListener,
    named?: IdListener
  ): Promise<Submitted> {
    const { payloads, now, assertAccepting, assertPayload } = this.#options
    const { draft: given, acks } = checkSubmission(type, payload, options, now())
    const text = given.payload as string
    const draft = withNeeds(given, text)
    assertAccepting()
    return this.#traced(draft, draft =>
      this.#admitted(
        signal,
        async () => {
          const check = assertPayload(draft.type, text)
          if (check !== null) await check
          if (payloads.isFit(draft.payload)) return { draft, acks }
          const blob = await payloads.write(utf8Pieces(text))
          return { draft: { ...draft, payload: blob }, acks }
        },
        { listener, named }
      )
    )
  }

  async submitBlob(
    type: string,
    ref: BlobRef,
    options: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
    listener?: EndListener
  ): Promise<Submitted> {
    const { payloads, now, assertAccepting } = this.#options
    const { draft, acks } = checkOptions(type, ref, options, now())
    assertAccepting()
    return this.#traced(draft, draft =>
      this.#admitted(
        signal,
        async () => {
          const payload = await payloads.written(ref)
          const needing = await withNeedsOf(draft, () => payloads.read(ref))
          return { draft: { ...needing, payload }, acks }
        },
        { listener, named: undefined }
      )
    )
  }

  /** Submits a copy of a task. @throws BlobUnavailableError NotReplicatedError NodeClosedError */
  async resubmit(
    spec: TaskSpec,
    dependsOn: readonly TaskId[] = spec.dependsOn
  ): Promise<Submitted> {
    const { payloads, assertAccepting } = this.#options
    assertAccepting()
    const { id: retryOf, submittedAt: _, submittedBy: __, ...same } = spec
    // Of the task that is tried again, the key is the name, and the start time is over.
    const copy = { ...same, dependsOn, retryOf, idempotencyKey: null, notBefore: null }
    return this.#traced(copy, draft =>
      this.#admitted(undefined, async () => {
        if (isBlob(draft.payload)) await payloads.fetch(draft.payload)
        return { draft, acks: null }
      })
    )
  }

  /** Submits within a span, if anybody collects them. */
  #traced(draft: TaskDraft, submit: (draft: TaskDraft) => Promise<Submitted>): Promise<Submitted> {
    const { tracing } = this.#options
    if (tracing === undefined) return submit(draft)
    return tracing.submission(draft.type, draft.traceparent, traceparent =>
      submit(traceparent === draft.traceparent ? draft : { ...draft, traceparent })
    )
  }

  /** Waits for room first, then for what the task needs, and for its acceptance. */
  async #admitted(
    signal: AbortSignal | undefined,
    prepare: () => Promise<Submission>,
    callbacks: Callbacks = { listener: undefined, named: undefined }
  ): Promise<Submitted> {
    const handedOver = await this.#options.admission.enter(signal)
    try {
      const submission = await prepare()
      return await this.#submit(submission, handedOver, callbacks)
    } finally {
      handedOver()
      this.#options.admission.release()
    }
  }

  /** The task has an id, and will be accepted if nothing happens to this node. */
  created({ request, taskId }: Readonly<{ request: number; taskId: TaskId }>): void {
    this.#open.get(request)?.named?.(taskId)
  }

  /** Returns what is to be called when the task has settled, if anything. */
  accepted(request: number, accepted: Accepted): EndListener | undefined {
    const open = this.#open.get(request)
    this.#open.delete(request)
    open?.resolve(accepted)
    return open?.listener
  }

  /** What the task was to depend on is over, and perhaps no node knows how it ended. */
  refused({ request, dependency }: Readonly<{ request: number; dependency: TaskId }>): void {
    const why = `the task it depends on, ${dependency}, has settled, and has been forgotten or may be at any moment: give what it needs as its payload, or keep tasks longer with --retention`
    this.#open.get(request)?.reject(new DependencyForgottenError(why))
    this.#open.delete(request)
  }

  rejectAll(error: Error): void {
    this.#options.admission.refuseAll(error)
    for (const { reject } of this.#open.values()) reject(error)
    this.#open.clear()
  }

  async #submit(
    { draft, acks: given }: Submission,
    handedOver: () => void,
    callbacks: Callbacks
  ): Promise<Submitted> {
    const { feed, cluster, assertAccepting, warnings } = this.#options
    const acks = given ?? this.#options.acks
    // Writing a payload takes its time, in which much may happen.
    assertAccepting()
    const request = ++this.#requests
    const answer = Promise.withResolvers<Accepted>()
    this.#open.set(request, { ...answer, ...callbacks })
    const key = draft.idempotencyKey
    feed({ kind: 'submit', request, id: key === null ? null : keyedId(cluster, key), draft, acks })
    handedOver()
    const { taskId: id, acks: copies, short, deduplicated } = await answer.promise
    const told = warnings(draft)
    if (short && acks !== null) {
      const missing =
        copies < acks ? `not on the ${acks} asked for` : 'of which none is on another computer'
      const what = `${id} is on ${copies} other nodes, ${missing}: it stands, see hearsay nodes`
      throw new NotReplicatedError([what, ...told].join('; '), id)
    }
    if (deduplicated === 'different') {
      told.push(
        `the idempotency key ${JSON.stringify(key)} names a task with another type or payload: that one stands`
      )
    }
    if (deduplicated === 'forgotten') {
      told.push('the task under this key has settled and been forgotten: it is not run again')
    }
    if (short) {
      told.push(
        copies === 0
          ? 'no other node has confirmed the task: it is on the disk of this one only'
          : 'no other computer has confirmed the task: it is on the disks of this one only'
      )
    }
    const startsAt = this.#options.startsAt(id)
    return {
      id,
      acks: copies,
      deduplicated: deduplicated !== 'no',
      warnings: told,
      ...(startsAt === null ? {} : { runAt: new Date(startsAt).toISOString() })
    }
  }
}

/** The id of the task of a key: the same on every node of the cluster. */
function keyedId(cluster: string, key: string): TaskId {
  return keyedTaskId(createHash('sha256').update(`${cluster}\0${key}`).digest('hex'))
}
