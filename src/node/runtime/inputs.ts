/**
 * What waits to be taken in by the core, in an order in which load harms least.
 *
 * First the time, links, and what members say of being there: it is cheap, and a node that hears or says it late takes
 * others for gone, or is taken for gone, and makes more work than there was. What people ask of this node itself is as
 * rare. Then, in turn, new tasks and all other news, so that neither starves: the log, completions, requests for work.
 * Of each lane the order stays.
 *
 * Nothing depends on the order between lanes: what one overtakes could as well have been slower on its way here.
 */
import type { Input } from '../../core/input.ts'
import { PROMPT_KINDS } from '../../core/message.ts'

/**
 * New tasks are held back before there are many of them (node/tasks/submissions.ts); what comes from the network is
 * bounded here.
 */
const NEWS_MAX = 256

const LATER: ReadonlySet<Input['kind']> = new Set<Input['kind']>([
  'load',
  'completion',
  'tail',
  'sync-ended',
  'blob-kept',
  'blob-failed',
  'blob-missing',
  // It says that all that came before it has been taken in.
  'turn'
])

type Waiting = Readonly<{ input: Input; since: number }>

export class Inputs {
  readonly #prompt = new Lane()
  readonly #news = new Lane()
  readonly #tasks = new Lane()
  #tasksAreNext = false
  #lateMs = 0

  /** @param now in ms */
  push(input: Input, now: number): void {
    this.#laneOf(input).push({ input, since: now })
  }

  get isEmpty(): boolean {
    return this.#prompt.length + this.#news.length + this.#tasks.length === 0
  }

  /** How many new tasks wait. */
  get tasks(): number {
    return this.#tasks.length
  }

  /** The next one. @param hasTime false: only what cannot wait, or has no room to */
  take(now: number, hasTime: boolean): Input | undefined {
    const prompt = this.#prompt.shift()
    if (prompt !== undefined) return prompt.input
    if (!hasTime && this.#news.length <= NEWS_MAX) return undefined
    const [first, second] =
      this.#tasksAreNext && hasTime ? [this.#tasks, this.#news] : [this.#news, this.#tasks]
    const next = first.shift() ?? second.shift()
    if (next === undefined) return undefined
    this.#tasksAreNext = first === this.#news
    this.#lateMs = Math.max(this.#lateMs, now - next.since)
    return next.input
  }

  /** How long something has waited, or waits still, at most since this was asked last, in ms. */
  takeLateMs(now: number): number {
    const waiting = [this.#news, this.#tasks].map(lane => now - (lane.first?.since ?? now))
    const lateMs = Math.max(this.#lateMs, ...waiting)
    this.#lateMs = 0
    return lateMs
  }

  clear(): void {
    for (const lane of [this.#prompt, this.#news, this.#tasks]) lane.clear()
  }

  #laneOf(input: Input): Lane {
    if (input.kind === 'submit') return this.#tasks
    if (input.kind === 'message')
      return PROMPT_KINDS.has(input.message.kind) ? this.#prompt : this.#news
    return LATER.has(input.kind) ? this.#news : this.#prompt
  }
}

/** First in, first out, however many there are. */
class Lane {
  #items: Waiting[] = []
  #taken = 0

  get length(): number {
    return this.#items.length - this.#taken
  }

  get first(): Waiting | undefined {
    return this.#items[this.#taken]
  }

  push(item: Waiting): void {
    this.#items.push(item)
  }

  shift(): Waiting | undefined {
    const item = this.#items[this.#taken]
    if (item === undefined) return undefined
    // What was taken goes all at once: to move everything up each time would take ever longer.
    if (++this.#taken * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#taken)
      this.#taken = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#taken = 0
  }
}
