/**
 * Asks the schemas of handlers files about payloads before they are submitted, in a thread of its own: a schema is user
 * code, like the handler that it belongs to.
 *
 * It is a courtesy to the submitter, so whatever goes wrong counts as "not refused": the payload is checked again where
 * the task is run. The thread is started for the first question and ended when there has been none for a while.
 */
import type { ModuleSource } from '../registry.ts'
import { Channel } from './channel.ts'

export type CheckerOptions = Readonly<{
  memoryMiB: number
  /** Time without a question after which the thread is ended. */
  idleMs: number
  /** Time for which an answer is waited for. */
  patienceMs: number
}>

type Question = Readonly<{ answer: (refusal: string | null) => void; timer: NodeJS.Timeout }>

export class Checker {
  readonly #options: CheckerOptions
  readonly #questions = new Map<number, Question>()
  #thread: Channel | null = null
  #idle: NodeJS.Timeout | undefined
  #asked = 0
  /** How many files of its code the thread has been given. */
  #filesGiven = 0

  constructor(options: CheckerOptions) {
    this.#options = options
  }

  /** Why the handler of a type in this file would refuse a payload, JSON text; null if it would not, or cannot say. */
  refusalOf({ file, code }: ModuleSource, type: string, payload: string): Promise<string | null> {
    const number = ++this.#asked
    const thread = (this.#thread ??= this.#start())
    clearTimeout(this.#idle)
    return new Promise(answer => {
      const timer = setTimeout(() => this.#answer(number, null), this.#options.patienceMs)
      this.#questions.set(number, { answer, timer })
      if (this.#filesGiven < code.files.size) thread.send({ kind: 'code', code })
      this.#filesGiven = code.files.size
      thread.send({ kind: 'check', number, file, type, payload })
    })
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle)
    const thread = this.#thread
    this.#gone(thread)
    await thread?.end()
  }

  #start(): Channel {
    const thread: Channel = new Channel(this.#options.memoryMiB, {
      message: message => {
        if (message.kind === 'checked') this.#answer(message.number, message.refusal)
      },
      error: () => this.#gone(thread),
      exited: () => this.#gone(thread)
    })
    return thread
  }

  #answer(number: number, refusal: string | null): void {
    const question = this.#questions.get(number)
    if (question === undefined) return
    this.#questions.delete(number)
    clearTimeout(question.timer)
    question.answer(refusal)
    if (this.#questions.size > 0) return
    this.#idle = setTimeout(() => void this.stop(), this.#options.idleMs)
    this.#idle.unref()
  }

  /** A thread that has ended answers nothing more. */
  #gone(thread: Channel | null): void {
    if (this.#thread !== thread) return
    this.#thread = null
    this.#filesGiven = 0
    for (const number of this.#questions.keys()) this.#answer(number, null)
  }
}
