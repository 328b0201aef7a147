/**
 * What tests of whole clusters ask of them again and again: keep them busy, look who holds what, compare their views.
 */
import { expect } from 'vitest'
import type { NodeView, TaskView } from '../../src/node/api/node-api.ts'
import { until } from '../support/until.ts'
import type { ChaosCluster } from './cluster.ts'

/** Of each node. */
const SLOTS = 4
const FIND_MS_MAX = 30_000
const SETTLE_MS_MAX = 120_000

/** A line that the handler of `work` has noted. */
export type Noted = Readonly<{ task: string; run: string; pid: number }>

export class Onlooker {
  readonly #cluster: ChaosCluster

  constructor(cluster: ChaosCluster) {
    this.#cluster = cluster
  }

  /** Submits tasks that each take `ms`, as many as there are slots, and waits until each of these nodes runs one. */
  async busy(ms: number, places: readonly number[] = this.#cluster.running): Promise<string[]> {
    const client = await this.#cluster.client(0)
    const count = this.#cluster.running.length * SLOTS
    const submissions = Array.from({ length: count }, () => client.submit('work', { ms }))
    const ids = (await Promise.all(submissions)).map(({ id }) => id)
    await until(
      async () => {
        const running = (await this.held(0, ids)).filter(({ state }) => state === 'running')
        return places.every(place => running.some(task => this.isOn(task, [place])))
      },
      'every node to run a task',
      FIND_MS_MAX
    )
    return ids
  }

  /** These tasks, as a node sees them. */
  async held(from: number, ids: readonly string[]): Promise<TaskView[]> {
    const tasks = await this.#cluster.tasks(from)
    return ids.map(id => tasks.get(id)!)
  }

  isOn(task: TaskView, places: readonly number[]): boolean {
    return places.map(place => this.#cluster.name(place)).includes(task.holder)
  }

  /** Waits until a node sees none of these tasks at any of these places. */
  async taken(from: number, ids: readonly string[], places: readonly number[]): Promise<void> {
    await until(
      async () => (await this.held(from, ids)).every(task => !this.isOn(task, places)),
      `what ${places.join()} held to be taken over, as ${from} sees it`,
      FIND_MS_MAX
    )
  }

  async nodeSeen(from: number, place: number): Promise<NodeView | undefined> {
    return (await (await this.#cluster.client(from)).nodes()).find(
      ({ name }) => name === this.#cluster.name(place)
    )
  }

  async seenAs(status: string, from: readonly number[], place: number): Promise<void> {
    for (const other of from) {
      await until(
        async () => (await this.nodeSeen(other, place))?.status === status,
        `${this.#cluster.name(other)} to see ${this.#cluster.name(place)} as ${status}`,
        FIND_MS_MAX
      )
    }
  }

  /** The names of what a node tells from now on, until `signal`. They come in as they happen. */
  async listen(place: number, signal: AbortSignal): Promise<readonly string[]> {
    const heard: string[] = []
    const events = (await this.#cluster.client(place)).events({}, signal)
    const listening = async (): Promise<void> => {
      for await (const { event } of events) heard.push(event)
    }
    // The end of the node, or of the test.
    void listening().catch(() => {})
    return heard
  }

  /** Waits until a node sees a quorum, or does not. */
  async quorum(from: number, sees: boolean): Promise<void> {
    const client = await this.#cluster.client(from)
    await until(
      async () => (await client.status()).quorum === sees,
      `${this.#cluster.name(from)} ${sees ? 'to see a quorum' : 'to know that it sees none'}`,
      FIND_MS_MAX
    )
  }

  /** All nodes settle everything, and say the same of each task. */
  async agreeOn(ids: readonly string[]): Promise<TaskView[]> {
    // Nodes that have just met settle what they know; they have to know of it first.
    for (const place of this.#cluster.running) {
      await until(
        async () => (await this.held(place, ids)).every(Boolean),
        `${this.#cluster.name(place)} to know of all tasks`,
        FIND_MS_MAX
      )
    }
    await this.#cluster.settled(SETTLE_MS_MAX)
    const views = this.#cluster.running.map(place => this.held(place, ids))
    const [first, ...others] = await Promise.all(views)
    const outcome = ({ state, epoch, result }: TaskView): unknown => ({ state, epoch, result })
    for (const view of others) expect(view.map(outcome)).toEqual(first!.map(outcome))
    return first!
  }

  async runsThatWere(what: 'started' | 'done' | 'aborted'): Promise<Noted[]> {
    const lines = (await this.#cluster.history()).split('\n').filter(Boolean)
    return lines.map(line => JSON.parse(line)).filter(line => line.what === what)
  }

  /** All of them have completed, each with the result of a run that there was. */
  async expectCompleted(tasks: readonly TaskView[]): Promise<void> {
    expect(tasks.map(({ state }) => state)).toEqual(tasks.map(() => 'completed'))
    const done = new Set((await this.runsThatWere('done')).map(({ run }) => run))
    for (const { result } of tasks) expect(done).toContain((result as { run: string }).run)
  }
}
