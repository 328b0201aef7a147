/**
 * Submits the tasks of a file over one request. Lines go out in their order, except that a task waits, as a place in
 * the file, until those that it refers to have ids.
 *
 * The first refusal ends the sending: a user who repairs the file wants to know where it stopped, not how much more was
 * let through.
 */
import type { BatchAnswer, BatchLine } from '../../api/batch.ts'
import type { Client } from '../../api/client.ts'
import { errorOf } from '../../api/problem.ts'
import { InvalidOptionError, NotReplicatedError } from '../../shared/errors.ts'
import type { TaskView } from '../../node/api/node-api.ts'
import { readEachLine, refMark, withIds, type Defaults, type EachLine } from './each-line.ts'
import type { Line, LineFile } from './lines.ts'

/** Lines wait, and nothing that they could wait for is under way. */
const CHANGED =
  'the file has changed since it was looked at: a line that others depend on is gone; restore it'

/** A line that the node has accepted; `short` if fewer members than asked for have it. */
export type Accepted = Readonly<{
  line: number
  ref: string | null
  id: string
  answer: BatchAnswer
  short: NotReplicatedError | null
}>

type Parked = { place: Pick<Line, 'number' | 'offset' | 'bytes'>; missing: number }

/** The line that was refused, and why. */
export class EachRefusedError extends Error {
  override readonly name = 'EachRefusedError'
  override readonly cause: Error
  constructor(line: number, cause: Error) {
    super(`line ${line} is refused: ${cause.message}`)
    this.cause = cause
  }
}

/** A task of the file that has settled. */
export type Ended = Readonly<{ task: TaskView }>

/**
 * The tasks as they are accepted and, with `wait`, as they settle, each after it was accepted; some of them may be
 * missing. After the last one that is accepted comes the refusal, if there was one.
 *
 * @param signal with `wait`: nobody wants to know how they end any more
 * @throws InvalidOptionError NoNodeError, or the signal's reason
 */
export async function* submitEach(
  client: Client,
  file: LineFile,
  defaults: Defaults,
  wait: boolean,
  signal?: AbortSignal
): AsyncGenerator<Accepted | Ended | EachRefusedError> {
  const sender = new Sender(file, defaults)
  let refused: EachRefusedError | null = null
  let isSaid = false
  const lines = sender.lines()
  const options = { refs: defaults.tiesRefs === true }
  const answers = wait
    ? client.submitAndWait(lines, signal, options)
    : client.submitMany(lines, options)
  for await (const answer of answers) {
    if ('task' in answer) {
      yield answer
    } else {
      const { line } = answer
      const ref = sender.refOf(line)
      const error = 'error' in answer ? errorOf(answer) : null
      if (error === null || error instanceof NotReplicatedError) {
        const id = error === null ? (answer as { id: string }).id : error.taskId
        sender.accepted(line, id)
        yield { line, ref, id, answer, short: error }
      } else {
        refused ??= new EachRefusedError(line, error)
        sender.refused()
      }
    }
    // What has been submitted may take long to end.
    if (refused === null || !sender.isOver || isSaid) continue
    yield refused
    isSaid = true
  }
  if (sender.failure !== null) throw sender.failure
  if (refused !== null && !isSaid) yield refused
}

class Sender {
  readonly #file: LineFile
  readonly #defaults: Defaults
  /** Of lines that have one and are accepted; or sent, if the node ties them: then their refs stand for the ids. */
  readonly #ids = new Map<string, string>()
  /** Refs of lines under way. */
  readonly #sent = new Map<number, string>()
  readonly #parked = new Map<string, Parked[]>()
  readonly #ready: Parked[] = []
  #waiting = 0
  #stopped = false
  /** Lines that were sent and not answered yet. */
  #open = 0
  #isSent = false
  #wake = (): void => {}
  /** What broke the sending, if anything did: the file, since it was checked. */
  failure: Error | null = null

  constructor(file: LineFile, defaults: Defaults) {
    this.#file = file
    this.#defaults = defaults
  }

  /** The lines in an order in which each can be accepted. Ends when all are sent, or at the first refusal. */
  async *lines(): AsyncGenerator<BatchLine> {
    try {
      for await (const { text, ...place } of this.#file.lines()) {
        const line = readEachLine(text ?? '', place.number, this.#defaults)
        if (this.#mayGo(line, place)) yield this.#send(line)
        yield* this.#released()
        if (this.#stopped) return
      }
      while (this.#waiting > 0 && !this.#stopped) {
        if (this.#ready.length === 0 && this.#sent.size === 0) throw new InvalidOptionError(CHANGED)
        if (this.#ready.length === 0) await new Promise<void>(resolve => (this.#wake = resolve))
        yield* this.#released()
      }
    } catch (error) {
      this.failure = error as Error
    } finally {
      this.#isSent = true
    }
  }

  refOf(line: number): string | null {
    return this.#sent.get(line) ?? null
  }

  /** Whether all lines that will be sent have been answered. */
  get isOver(): boolean {
    return this.#isSent && this.#open === 0
  }

  accepted(line: number, id: string): void {
    this.#open--
    const ref = this.#sent.get(line)
    if (ref === undefined) return
    this.#sent.delete(line)
    if (this.#defaults.tiesRefs !== true) this.#release(ref, id)
    this.#wake()
  }

  /** Ends the sending. */
  refused(): void {
    this.#open--
    this.#stopped = true
    this.#wake()
  }

  /** Lines that wait for this one know what to call it. */
  #release(ref: string, id: string): void {
    this.#ids.set(ref, id)
    for (const parked of this.#parked.get(ref) ?? []) {
      if (--parked.missing === 0) this.#ready.push(parked)
    }
    this.#parked.delete(ref)
  }

  #mayGo({ needs }: EachLine, place: Parked['place']): boolean {
    const missing = [...new Set(needs)].filter(need => !this.#ids.has(need))
    if (missing.length === 0) return true
    const parked = { place, missing: missing.length }
    this.#waiting++
    for (const ref of missing) {
      const others = this.#parked.get(ref)
      if (others === undefined) this.#parked.set(ref, [parked])
      else others.push(parked)
    }
    return false
  }

  async *#released(): AsyncGenerator<BatchLine> {
    for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) {
      const { place } = next
      this.#waiting--
      yield this.#send(readEachLine(await this.#file.again(place), place.number, this.#defaults))
    }
  }

  #send(line: EachLine): BatchLine {
    this.#open++
    const { type, payload, ref } = line
    const options = withIds(line, this.#ids)
    if (ref !== null) {
      this.#sent.set(line.line, ref)
      if (this.#defaults.tiesRefs === true) this.#release(ref, refMark(ref))
    }
    return { line: line.line, type, payload, options }
  }
}
