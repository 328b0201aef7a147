/**
 * The processes of one command: the program and whatever it has started, which the system keeps together as a group.
 *
 * A group is signalled as a whole, so that no child is left behind when its parent goes. Its number stays taken as long
 * as one process of it is left, and is free for others after that: once a signal has met nobody, none is sent any more.
 * What leaves its group on purpose (`setsid`, a daemon) is beyond reach.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** How often a group that was told to end is looked at. */
const LOOK_MS = 20
/** What was killed and is still there is a zombie that no process reaps, as in a container without an init. */
const BURIAL_MS = 1000

/** Ended if this process ends in whatever way lets it act. */
const living = new Set<ProcessGroup>()
process.on('exit', () => {
  for (const group of living) group.kill()
})

export class ProcessGroup {
  /** Id of the group, which is that of its first process. */
  readonly #id: number
  #gone = false

  /** @param leader the process number of a program that was started as the leader of a new group */
  constructor(leader: number) {
    this.#id = leader
    living.add(this)
  }

  /** Asks all of them to end. */
  terminate(): void {
    this.#signal('SIGTERM')
  }

  /** Ends all of them. */
  kill(): void {
    this.#signal('SIGKILL')
  }

  /** Ends whatever is left: asks first, and makes it end after `graceMs`. Resolves when none is left to be ended. */
  async end(graceMs: number): Promise<void> {
    this.terminate()
    const killAt = performance.now() + graceMs
    while (this.#isThere() && performance.now() < killAt) await sleep(LOOK_MS)
    this.kill()
    const gaveUpAt = performance.now() + BURIAL_MS
    while (this.#isThere() && performance.now() < gaveUpAt) await sleep(LOOK_MS)
    this.#leave()
  }

  #isThere(): boolean {
    this.#signal(0)
    return !this.#gone
  }

  #signal(signal: NodeJS.Signals | 0): void {
    if (this.#gone) return
    try {
      process.kill(-this.#id, signal)
    } catch {
      // Nobody is there, or only processes that have become another user's, and those are not ours to end.
      this.#leave()
    }
  }

  #leave(): void {
    this.#gone = true
    living.delete(this)
  }
}
