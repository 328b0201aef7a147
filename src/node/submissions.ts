/**
 * Submissions under way: checked, handed to the core, and answered when it has accepted them.
 */
import type { TaskId } from '../core/base/ids.ts'
import type { Input } from '../core/input.ts'
import type { BlobRef } from '../core/task/content.ts'
import { NotReplicatedError } from '../errors.ts'
import type { Contents } from './contents.ts'
import type { Submitted } from './handle.ts'
import { checkOptions, checkSubmission, type Submission } from './task-options.ts'

/** The task stands. `short`: fewer members than asked for have it on disk. */
type Accepted = Readonly<{ taskId: TaskId; acks: number; short: boolean }>

export type SubmissionsOptions = Readonly<{
  contents: Contents
  feed: (input: Input) => void
  /** For submissions that do not say it themselves. */
  acks: number | null
  /** Rejects if a handler here would refuse the payload, JSON text. Null at once if there is nothing to check. */
  assertPayload: (type: string, payload: string) => Promise<void> | null
  /** Throws if the node accepts nothing now. */
  assertAccepting: () => void
  /** What a caller should know who submits a task of this type. */
  warnings: (type: string) => string[]
}>

export class Submissions {
  readonly #options: SubmissionsOptions
  readonly #open = new Map<number, PromiseWithResolvers<Accepted>>()
  #requests = 0

  constructor(options: SubmissionsOptions) {
    this.#options = options
  }

  async submit(
    type: string,
    payload: unknown,
    options: Readonly<Record<string, unknown>>
  ): Promise<Submitted> {
    const { contents, assertAccepting, assertPayload } = this.#options
    const { draft, acks } = checkSubmission(type, payload, options)
    assertAccepting()
    const check = assertPayload(draft.type, draft.payload as string)
    if (check !== null) await check
    if (contents.isFit(draft.payload)) return this.#submit({ draft, acks })
    const blob = await contents.write([Buffer.from(draft.payload as string)])
    return this.#submit({ draft: { ...draft, payload: blob }, acks })
  }

  async submitBlob(
    type: string,
    ref: BlobRef,
    options: Readonly<Record<string, unknown>>
  ): Promise<Submitted> {
    const { contents, assertAccepting } = this.#options
    const { draft, acks } = checkOptions(type, ref, options)
    assertAccepting()
    const payload = await contents.written(ref)
    return this.#submit({ draft: { ...draft, payload }, acks })
  }

  accepted(request: number, taskId: TaskId, acks: number, short: boolean): void {
    this.#open.get(request)?.resolve({ taskId, acks, short })
    this.#open.delete(request)
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#open.values()) reject(error)
    this.#open.clear()
  }

  async #submit({ draft, acks: given }: Submission): Promise<Submitted> {
    const { feed, assertAccepting, warnings } = this.#options
    const acks = given ?? this.#options.acks
    // Writing a payload takes its time, in which much may happen.
    assertAccepting()
    const request = ++this.#requests
    const answer = Promise.withResolvers<Accepted>()
    this.#open.set(request, answer)
    feed({ kind: 'submit', request, draft, acks })
    const { taskId: id, acks: copies, short } = await answer.promise
    if (short && acks !== null) {
      throw new NotReplicatedError(
        `${id} is on ${copies} other nodes, not on the ${acks} asked for: it stands, see hearsay nodes`,
        id
      )
    }
    const told = warnings(draft.type)
    if (short) told.push('no other node has confirmed the task: it is on the disk of this one only')
    return { id, acks: copies, warnings: told }
  }
}
