/**
 * `hearsay top` at work: asks the node at an interval, listens to its events, and draws. A node that does not answer is
 * said on the screen and asked again, for a user who watches wants to see it come back.
 */
import type { Client } from '../../api/client.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import type { TaskState } from '../../shared/names.ts'
import type { TaskView } from '../../node/api/node-api.ts'
import { withoutLongGone } from '../output/shown-nodes.ts'
import { firstView, frame } from './frame.ts'
import { Keys, type Deed } from './keys.ts'
import { Model } from './model.ts'
import type { Screen } from './screen.ts'

/** How many tasks of each state are asked for; more than any terminal shows. */
const TASKS_ASKED: readonly (readonly [TaskState, number])[] = [
  ['running', 50],
  ['queued', 50],
  ['delayed', 20],
  ['waiting', 20]
]

const FAILURES_ASKED = 50

export class Top {
  readonly #client: Client
  readonly #intervalMs: number
  readonly #all: boolean
  readonly #model = new Model()
  readonly #view = firstView()
  readonly #ended = new AbortController()

  /** @param all also members that left long ago. @default false */
  constructor(client: Client, intervalMs: number, all: boolean = false) {
    this.#client = client
    this.#intervalMs = intervalMs
    this.#all = all
  }

  /** Until the person at the keys, or `stop`, ends it. */
  async show(screen: Screen): Promise<void> {
    const keys = new Keys(this.#model, this.#view)
    const draw = (): void => screen.draw(frame(this.#model, this.#view, screen.size, Date.now()))
    const onKeys = (all: readonly string[]): void => {
      for (const key of all) {
        if (key === 'redraw') {
          screen.forget()
          continue
        }
        const deed = keys.press(key, Date.now())
        if (deed !== null) void this.#do(deed).then(draw)
      }
      draw()
    }
    screen.enter(onKeys, draw)
    try {
      draw()
      void this.#listen()
      await this.#recall()
      while (!this.#ended.signal.aborted) {
        await this.refresh()
        draw()
        await this.#pause()
      }
    } finally {
      this.stop()
      screen.leave()
    }
  }

  /** The view for a program: what is known, at the interval. */
  async *snapshots(): AsyncGenerator {
    void this.#listen()
    await this.#recall()
    try {
      for (;;) {
        await this.refresh()
        const { status, nodes, failures, steals, trouble } = this.#model
        const atMs = Date.now()
        const members = nodes.map(node => ({
          ...node,
          rate: this.#model.rate(atMs, node.name ?? '')
        }))
        const at = new Date(atMs).toISOString()
        yield {
          v: 1,
          at,
          status,
          nodes: members,
          rate: this.#model.rate(atMs),
          steals,
          failures,
          trouble
        }
        await this.#pause()
      }
    } finally {
      this.stop()
    }
  }

  stop(): void {
    this.#ended.abort(new Error('top has ended'))
  }

  /** Never rejects: what went wrong is shown. */
  async refresh(): Promise<void> {
    const model = this.#model
    try {
      const lists = TASKS_ASKED.map(([state, limit]) => this.#tasks(state, limit))
      const [status, known, ...tasks] = await Promise.all([
        this.#client.status(),
        this.#client.nodes(),
        ...lists
      ])
      const nodes = this.#all ? known : withoutLongGone(known)
      Object.assign(model, { status, nodes, tasks: tasks.flat(), trouble: null })
    } catch {
      model.trouble = 'the node does not answer'
    }
  }

  /** What has failed lately, until then. If it cannot be had, the list begins empty. */
  async #recall(): Promise<void> {
    this.#model.recall(await this.#tasks('failed', FAILURES_ASKED).catch(() => []))
  }

  async #tasks(state: TaskState, limit: number): Promise<TaskView[]> {
    const tasks: TaskView[] = []
    for await (const task of this.#client.list({ state, limit })) tasks.push(task)
    return tasks
  }

  /** Goes on after what it has heard, whenever the node answers again. */
  async #listen(): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      try {
        const { cursor } = this.#model
        const filter = cursor === undefined ? {} : { since: cursor }
        for await (const event of this.#client.events(filter, signal)) {
          this.#model.heard(event, Date.now())
        }
      } catch (error) {
        // The node was asked for what it cannot know: begin anew.
        if (error instanceof InvalidOptionError) this.#model.cursor = undefined
      }
      await this.#pause()
    }
  }

  async #do(deed: Deed): Promise<void> {
    try {
      if (deed.kind === 'quit') return this.stop()
      if (deed.kind === 'drain') await this.#client.drain(deed.node)
      else await this.#client.cancel(deed.task)
      this.#view.prompt = ''
      await this.refresh()
    } catch (error) {
      this.#view.prompt = (error as Error).message
    }
  }

  #pause(): Promise<void> {
    const { signal } = this.#ended
    return new Promise(resolve => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, this.#intervalMs)
      signal.addEventListener('abort', end)
      if (signal.aborted) end()
    })
  }
}
