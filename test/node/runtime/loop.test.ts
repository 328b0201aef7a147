/** The loop that the engine and the simulator run: one step after the other, effects one by one, ticks as they are due. */
import { describe, expect, test } from 'vitest'
import type { Core } from '../../../src/core/core.ts'
import type { Effect } from '../../../src/core/effect.ts'
import type { Input } from '../../../src/core/input.ts'
import { Loop, type Turn, type World } from '../../../src/node/runtime/loop.ts'

/** A core that asks for what it is told to, in a world that notes what is done. */
class Stage implements World {
  readonly done: string[] = []
  readonly waiting: Turn[] = []
  readonly idle = { isAtRest: false, nextTickMs: (): number => (this.idle.isAtRest ? 5000 : 1000) }
  readonly loop: Loop
  asksFor: (input: Input) => Effect[] = () => []
  onPerform: (effect: Effect) => void = () => {}
  hasTime = true
  isOver = false

  constructor() {
    const step = (_now: number, input: Input): Effect[] => {
      this.done.push(`step ${input.kind}`)
      return this.asksFor(input)
    }
    this.loop = new Loop({ step, idle: this.idle } as unknown as Core, this)
  }

  feed(input: Input, isLateTick = false): void {
    this.waiting.push({ input, isLateTick })
    this.loop.run()
  }

  now(): number {
    return 0
  }

  next(): Turn | 'later' | null {
    if (!this.hasTime) return 'later'
    return this.waiting.shift() ?? null
  }

  perform(effect: Effect): void {
    this.done.push(effect.kind)
    this.onPerform(effect)
  }

  failed({ kind }: Effect): void {
    this.done.push(`${kind} failed`)
  }

  tickIn(ms: number): void {
    this.done.push(`tick in ${ms}`)
  }
}

const TURN: Effect = { kind: 'turn' }
const LEFT: Effect = { kind: 'left' }

describe('steps', () => {
  test('never nest: what an effect causes at once is taken up after all effects of its step', () => {
    const stage = new Stage()
    stage.asksFor = ({ kind }) => (kind === 'wake' ? [TURN, LEFT] : [])
    stage.onPerform = effect => {
      if (effect === TURN) stage.feed({ kind: 'turn' })
    }
    stage.feed({ kind: 'wake' })
    expect(stage.done).toEqual(['step wake', 'turn', 'left', 'step turn'])
  })

  test('an effect that fails does not take the others along', () => {
    const stage = new Stage()
    stage.asksFor = () => [TURN, LEFT]
    stage.onPerform = effect => {
      if (effect === TURN) throw new Error('no')
    }
    stage.feed({ kind: 'wake' })
    expect(stage.done).toEqual(['step wake', 'turn', 'turn failed', 'left'])
  })

  test('nothing is performed once it is over', () => {
    const stage = new Stage()
    stage.asksFor = () => [TURN, LEFT]
    stage.onPerform = () => void (stage.isOver = true)
    stage.feed({ kind: 'wake' })
    expect(stage.done).toEqual(['step wake', 'turn'])
  })
})

describe('ticks', () => {
  test('follow each other, each asked for when the last has been put in line', () => {
    const stage = new Stage()
    stage.waiting.push({ input: { kind: 'tick' }, isLateTick: false })
    stage.loop.ticked()
    expect(stage.done).toEqual(['step tick', 'tick in 1000'])
  })

  test('that are late are followed by the next when they have been taken in', () => {
    const stage = new Stage()
    stage.hasTime = false
    stage.waiting.push({ input: { kind: 'tick' }, isLateTick: true })
    stage.loop.ticked(true)
    expect(stage.done).toEqual([])
    stage.hasTime = true
    stage.loop.run()
    expect(stage.done).toEqual(['step tick', 'tick in 1000'])
  })

  test('come sooner again when something wakes a core that was at rest, once all of it is taken in', () => {
    const stage = new Stage()
    stage.idle.isAtRest = true
    stage.loop.tickSoon()
    stage.asksFor = () => {
      stage.idle.isAtRest = false
      stage.hasTime = false
      return []
    }
    stage.feed({ kind: 'wake' })
    expect(stage.done).toEqual(['tick in 5000', 'step wake'])
    stage.hasTime = true
    stage.loop.run()
    expect(stage.done).toEqual(['tick in 5000', 'step wake', 'tick in 1000'])
  })
})
