/**
 * Says how far a node has come that has much to catch up with: one that is new, or that was away for long. Without it,
 * a user who starts a node beside a cluster with a hundred thousand tasks would see nothing happen for a while.
 */
import type { CoreView } from '../../core/view.ts'
import type { Clock } from '../../ports/ports.ts'

/** Least time between two lines. */
const SAY_MS = 1000
/** Less than this is what gossip is late with in a busy cluster. Guess: a second of it. */
const WRITES_MIN = 5000

export class SyncProgress {
  readonly #core: Pick<CoreView, 'missing' | 'taskCount'>
  readonly #say: (line: string) => void
  /** What was missing, and how many tasks there were, when it began. */
  #began: { missing: number; tasks: number } | null = null

  constructor(core: Pick<CoreView, 'missing' | 'taskCount'>, say: (line: string) => void) {
    this.#core = core
    this.#say = say
  }

  /** Begins to look, and to speak when there is something to say. Returns how to stop it. */
  start(clock: Clock): () => void {
    return clock.every(SAY_MS, () => this.look())
  }

  /** Looks once. */
  look(): void {
    const { missing, taskCount: tasks } = this.#core
    if (this.#began === null) {
      if (missing < WRITES_MIN) return
      this.#began = { missing, tasks }
    }
    if (missing < WRITES_MIN) {
      this.#began = null
      this.#say(`in sync: ${grouped(tasks)} tasks`)
      return
    }
    // What is missing is known in writes, of which a task has several.
    const written = this.#began.missing - missing
    const tasksPerWrite = written > 0 ? (tasks - this.#began.tasks) / written : 1
    const about = tasks + Math.max(0, missing * tasksPerWrite)
    this.#say(`syncing: ${grouped(tasks)} of about ${grouped(about)} tasks`)
  }
}

/** Such as 34,127. */
function grouped(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}
