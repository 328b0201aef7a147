/** The two clocks of the shell: what is done to the computer's clock, and to the computer, while the process lives. */
import { describe, expect, test } from 'vitest'
import { clockOf, wallMsOf } from '../../../src/node/runtime/clock.ts'

const HOUR_MS = 3_600_000
const START_MS = 1_700_000_000_000

/** A computer: time passes, its clock is set, it sleeps. */
class Computer {
  monotonic = START_MS
  wall = START_MS
  up = 5000
  /** What passes between the reading of two clocks. */
  heldUpMs = 0
  readonly clock = clockOf({
    monotonic: () => this.monotonic,
    wall: () => {
      const { heldUpMs } = this
      this.heldUpMs = 0
      this.pass(heldUpMs)
      return this.wall
    },
    up: () => this.up
  })

  pass(ms: number): void {
    this.monotonic += ms
    this.wall += ms
    this.up += ms
  }

  /** On Linux the monotonic clock stands still. */
  sleep(ms: number): void {
    this.wall += ms
    this.up += ms
  }

  get read(): { now: number; aheadMs: number; wall: number } {
    const { clock } = this
    return { now: clock.now() - START_MS, aheadMs: clock.aheadMs(), wall: wallMsOf(clock) }
  }
}

describe('the clock of a node', () => {
  test('goes with the computer', () => {
    const computer = new Computer()
    computer.pass(1000)
    expect(computer.read).toEqual({ now: 1000, aheadMs: 0, wall: computer.wall })
  })

  test.each([
    ['forward', HOUR_MS],
    ['back', -HOUR_MS],
    ['forward by little', 150]
  ])('tells when the time is set %s, and durations go on as before', (_, stepMs) => {
    const computer = new Computer()
    computer.pass(1000)
    computer.wall += stepMs
    computer.pass(1000)
    expect(computer.read).toEqual({ now: 2000, aheadMs: stepMs, wall: computer.wall })
    computer.wall -= stepMs
    expect(computer.read).toEqual({ now: 2000, aheadMs: 0, wall: computer.wall })
  })

  test('notices a sleep, in which the monotonic clock stood still: its time has passed all the same', () => {
    const computer = new Computer()
    computer.pass(1000)
    computer.sleep(8 * HOUR_MS)
    expect(computer.read).toEqual({ now: 1000 + 8 * HOUR_MS, aheadMs: 0, wall: computer.wall })
    computer.sleep(HOUR_MS)
    computer.wall -= 2 * HOUR_MS
    const { read, wall } = computer
    expect(read).toEqual({ now: 1000 + 9 * HOUR_MS, aheadMs: -2 * HOUR_MS, wall })
  })

  test('does not step with the other clock by less than a thread may be held up between the two', () => {
    const computer = new Computer()
    computer.wall += 99
    expect(computer.read.aheadMs).toBe(0)
    computer.wall += 1
    expect(computer.read.aheadMs).toBe(100)
  })

  test('is not misled by being held up between the reading of the two', () => {
    const computer = new Computer()
    computer.heldUpMs = 30_000
    expect(computer.clock.now() - START_MS).toBe(30_000)
    expect(computer.read).toEqual({ now: 30_000, aheadMs: 0, wall: computer.wall })
  })

  test('never steps back', () => {
    const computer = new Computer()
    let last = computer.clock.now()
    for (const ms of [-HOUR_MS, 500, -500, HOUR_MS, 99, -99, -5]) {
      computer.wall += ms
      computer.pass(1)
      expect(computer.clock.now()).toBe(++last)
    }
  })
})
