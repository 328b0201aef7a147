/**
 * Whether this node has nothing to do but to listen, so that its clock may tick slowly.
 *
 * As long as all members are there, no caller wants anything and heartbeats come in time, a look at the clock now and
 * then is enough. Anything else wakes the node, a late heartbeat as well, and it stays awake for a while after. Rest
 * changes no decision, only how soon the passing of time is noticed.
 */
import { coversAll } from '../base/version-vector.ts'
import { wallMsAt, type Context } from '../context.ts'
import type { Input } from '../input.ts'
import { isFullMesh } from '../liveness/liveness.ts'
import type { Heartbeat } from '../message.ts'

export class Idle {
  readonly #context: Context
  readonly #hasWork: () => boolean
  #stirredAt = Number.NEGATIVE_INFINITY
  #isAtRest = false

  /** @param hasWork whether there is a task that has not settled */
  constructor(context: Context, hasWork: () => boolean) {
    this.#context = context
    this.#hasWork = hasWork
  }

  /** Whether this node was at rest at the end of the last step. */
  get isAtRest(): boolean {
    return this.#isAtRest
  }

  /** Something has happened, and has been dealt with. */
  update(input: Input): void {
    const { now, members, options } = this.#context
    if (this.#stirs(input)) this.#stirredAt = now
    // Whatever is waited for is over by then, as a rule.
    this.#isAtRest =
      now - this.#stirredAt >= options.acksTimeoutMs &&
      !this.#hasWork() &&
      isFullMesh(members, now, options)
  }

  /** In how many ms the next tick is due. All clocks that are right tick together at rest. */
  nextTickMs(now: number): number {
    const { options } = this.#context
    const { tickMs, restTickMs } = options
    if (!this.#isAtRest) return tickMs
    const wallMs = wallMsAt(now, this.#context)
    return Math.ceil((wallMs + tickMs) / restTickMs) * restTickMs - wallMs
  }

  /** Whether this input is more than a tick, or than a heartbeat of a member that is known to be there. */
  #stirs(input: Input): boolean {
    if (input.kind === 'tick') return false
    return (
      input.kind !== 'message' || input.message.kind !== 'heartbeat' || this.#lacks(input.message)
    )
  }

  #lacks({ vector }: Heartbeat): boolean {
    return !coversAll(this.#context.log.origins.reach, vector)
  }
}
