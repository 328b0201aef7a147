/**
 * How the core is driven: one input after the other, and after each step its effects, one by one.
 *
 * The engine and the simulator run this same loop, each in a world of its own. Steps never nest: what a step causes at
 * once is taken up after it. The loop reads no clock and starts no timer; it asks its world.
 */
import type { Core } from '../../core/core.ts'
import type { Effect } from '../../core/effect.ts'
import type { Input } from '../../core/input.ts'

/** An input whose turn it is. */
export type Turn = Readonly<{
  input: Input
  /** Whether this is a tick that was late: the next one is due only when it has been taken in. */
  isLateTick: boolean
}>

/** Where a loop runs: real time, ports and sockets, or dice. */
export interface World {
  /** The time for the core, in ms. */
  now(): number
  /** Whose turn it is. 'later': something waits, and there is no time for it now; null: nothing waits. */
  next(now: number): Turn | 'later' | null
  /** The core has taken an input in, and asks for this. */
  stepped?(input: Input, effects: readonly Effect[]): void
  /** Effects of one step have nothing to do with each other: one that fails does not take the others along. */
  perform(effect: Effect): void
  /** An effect could not be performed. */
  failed(effect: Effect, error: unknown): void
  /** All has been done that an input asked for. */
  performed?(input: Input, effects: readonly Effect[]): void
  /** Whether nothing goes in or out any more. */
  readonly isOver: boolean
  /** `Loop.ticked` is to be called in `ms`, and not at the time that was asked for before. */
  tickIn(ms: number): void
  /** What there was time for has been taken in. */
  turned?(): void
}

export class Loop {
  readonly #core: Pick<Core, 'step' | 'idle'>
  readonly #world: World
  #busy = false
  /** The next tick is far away, because the core had nothing to do. */
  #resting = false

  constructor(core: Pick<Core, 'step' | 'idle'>, world: World) {
    this.#core = core
    this.#world = world
  }

  /** Takes in what waits: all of it, or as much as there is time for. */
  run(): void {
    if (this.#busy) return
    const world = this.#world
    let turn: Turn | 'later' | null = null
    this.#busy = true
    try {
      for (;;) {
        const now = world.now()
        turn = world.next(now)
        if (turn === null || turn === 'later') break
        this.#step(now, turn)
      }
    } finally {
      this.#busy = false
    }
    // What has been taken in may have woken it.
    if (turn === null && this.#resting && !this.#core.idle.isAtRest) this.tickSoon()
    world.turned?.()
  }

  /** Asks for the next tick, for when the core wants it. */
  tickSoon(): void {
    const { idle } = this.#core
    if (this.#world.isOver) return
    this.#resting = idle.isAtRest
    this.#world.tickIn(idle.nextTickMs(this.#world.now()))
  }

  /** It is time for a tick, which has been put in line. */
  ticked(isLate: boolean = false): void {
    this.#resting = false
    this.run()
    if (!isLate) this.tickSoon()
  }

  #step(now: number, { input, isLateTick }: Turn): void {
    const world = this.#world
    const effects = this.#core.step(now, input)
    world.stepped?.(input, effects)
    for (const effect of effects) {
      if (world.isOver) break
      try {
        world.perform(effect)
      } catch (error) {
        world.failed(effect, error)
      }
    }
    if (isLateTick) this.tickSoon()
    world.performed?.(input, effects)
  }
}
