/**
 * What SIGHUP means to a node. The one signal says three things: that the terminal has been closed, which ends what was
 * started there; that a configuration is to be read again, as daemons have it; and to a process that was started by
 * `nohup`, nothing.
 */
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** `bin/hearsay.js` says so: Node itself takes the signal as if it had never been ignored. */
const IGNORED = '_HEARSAY_SIGHUP'
/** A shell that ends may say so before its terminal is closed. Guess. */
const CLOSING_MS = 500
/** `O_WRONLY`, in what Linux tells of an open file. */
const WRITE_ONLY = 1

export type HangUpMeaning = 'nothing' | 'closed' | 'reload'

export class HangUp {
  readonly #isIgnored: boolean
  readonly #hadTerminal: boolean

  /** @param env of the process; what was in it for this class alone is taken out */
  constructor(env: NodeJS.ProcessEnv) {
    this.#isIgnored = env[IGNORED] === 'ignored' || hasInputOfNohup()
    delete env[IGNORED]
    this.#hadTerminal = hasTerminal()
  }

  /** What a signal means that has come now. */
  async meaning(): Promise<HangUpMeaning> {
    if (this.#isIgnored) return 'nothing'
    if (!this.#hadTerminal) return 'reload'
    if (hasTerminal()) await sleep(CLOSING_MS)
    return hasTerminal() ? 'reload' : 'closed'
  }
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}

/**
 * GNU's `nohup` gives a program that is started in a terminal a standard input that can only be written to. By that it
 * is seen also where another program stands between, such as `npx`.
 */
function hasInputOfNohup(): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync('/proc/self/fdinfo/0', 'utf8'))?.[1]
    return (
      (Number.parseInt(flags ?? '0', 8) & 3) === WRITE_ONLY &&
      readlinkSync('/proc/self/fd/0') === '/dev/null'
    )
  } catch {
    return false
  }
}
