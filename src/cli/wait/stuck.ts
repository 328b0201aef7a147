/**
 * Says once, to a user who waits for tasks, that nothing can run one of them, and why. Without it a wait for a type that
 * is misspelt looks like one for a long task.
 */
import type { Client } from '../../api/client.ts'
import type { OpenDependency, WhyView } from '../../node/api/node-api.ts'
import type { OpenReason } from '../../node/queries/why.ts'

/** Long enough for a node that has just started to be met by others. Guess. */
const LOOK_MS = 5000
/** Tasks that are asked about at a time; the next ones have their turn at the next look. */
const LOOKED_AT_MAX = 4
/** What does not pass by itself. */
const STUCK: ReadonlySet<string> = new Set<OpenReason>([
  'NoHandler',
  'LabelsUnmatched',
  'NoQuorum',
  'Isolated',
  'DiskFull',
  'StartUnconfirmed',
  'PayloadUnavailable'
])

export class StuckHint {
  readonly #client: Pick<Client, 'why'>
  readonly #open: () => Iterable<string>
  readonly #say: (text: string) => void
  readonly #timer: NodeJS.Timeout
  #looked = 0
  #isAsking = false
  #isOver = false

  /**
   * @param open the tasks that are waited for; those that have settled do no harm
   * @param say is told in words, once
   */
  constructor(
    client: Pick<Client, 'why'>,
    open: () => Iterable<string>,
    say: (text: string) => void
  ) {
    this.#client = client
    this.#open = open
    this.#say = say
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#isOver = true
  }

  async #look(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      for (const id of this.#next()) {
        const text = await this.#textOf(id)
        if (this.#isOver) return
        if (text === null) continue
        this.stop()
        this.#say(text)
        return
      }
    } catch {
      // Whether the node is there, and knows the task, is found out by the wait itself.
    } finally {
      this.#isAsking = false
    }
  }

  #next(): string[] {
    const open = [...this.#open()]
    if (this.#looked >= open.length) this.#looked = 0
    const next = open.slice(this.#looked, this.#looked + LOOKED_AT_MAX)
    this.#looked += LOOKED_AT_MAX
    return next
  }

  async #textOf(id: string): Promise<string | null> {
    const why = await this.#client.why(id)
    if (STUCK.has(why.reason ?? '')) return textOf(why)
    const first = stuckAmong(why)
    if (first === undefined) return null
    return `${why.id} waits for another task: ${textOf(await this.#client.why(first.id))}`
  }
}

/** A task that it waits for. A node of an older version does not say which these are. */
function stuckAmong({ dependencies = [] }: Partial<WhyView>): OpenDependency | undefined {
  return dependencies.find(({ reason }) => STUCK.has(reason ?? ''))
}

function textOf({ id, state, reason, words }: WhyView): string {
  return `${id} is ${state}, ${reason}: ${words}; "hearsay why ${id}" says more`
}
