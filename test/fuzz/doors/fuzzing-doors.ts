/**
 * Three real nodes, each a process with its disk, and a stranger that has their key and whose programs run on the same
 * computer: it goes from door to door and says what it likes. Then all nodes have to be alive and to work together: a task
 * that is submitted on one is run by another and read on the third. Then all start again from their disks, and once more.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../../../src/sim/world/random.ts'
import { usageOf } from '../../bench/usage.ts'
import { ChaosCluster, freePorts } from '../../chaos/cluster.ts'
import { until } from '../../support/until.ts'
import { answer, PEER_DOORS, type Visit } from './doors.ts'
import { HTTP_DOORS } from './http-doors.ts'
import { Scene } from './scene.ts'
import { Stranger } from './stranger.ts'

export const DOORS: readonly string[] = [...Object.keys(PEER_DOORS), ...Object.keys(HTTP_DOORS)]

export type DoorsOptions = Readonly<{
  seed: number
  /** How long the stranger goes round, in ms. */
  ms: number
  /** @default all of them */
  doors?: readonly string[]
}>

const NODES = 3
/** Visitors at once. */
const VISITORS = 8
/** A visit that takes longer than a door takes to notice a stall is given up. */
const VISIT_MS_MAX = 3000
/** Ten times what it takes on a busy computer. */
const WORK_MS_MAX = 60_000
/** Windows of streams and frames half-read of a peer, and what a collector leaves lying: several times what was measured. */
const GROWTH_BYTES_MAX = 400 * 2 ** 20
const LINES_MAX = 25
/** Of what each node said: an exception, and what led to it. */
const NODE_LINES_MAX = 12

export type DoorsReport = Readonly<{
  /** What went wrong, and what was said last; null if nothing did. */
  failure: string | null
  /** Door -> how often something was said there. */
  visits: ReadonlyMap<string, number>
}>

/** Rejects only if the cluster does not come up. */
export async function fuzzDoors(options: DoorsOptions): Promise<DoorsReport> {
  const fuzzing = await DoorFuzzing.start(options)
  try {
    return await fuzzing.run()
  } finally {
    await fuzzing.end()
  }
}

class DoorFuzzing {
  readonly #options: DoorsOptions
  readonly #cluster: ChaosCluster
  readonly #ports: readonly number[]
  readonly #random: Random
  readonly #said: string[] = []
  readonly #visits = new Map<string, number>()

  private constructor(options: DoorsOptions, cluster: ChaosCluster, ports: readonly number[]) {
    this.#options = options
    this.#cluster = cluster
    this.#ports = ports
    this.#random = new Random(options.seed)
  }

  static async start(options: DoorsOptions): Promise<DoorFuzzing> {
    const ports = await freePorts(NODES)
    const cluster = await ChaosCluster.start(null, {
      places: ['a', 'b', 'c'],
      flags: place => ['--label', `place=${place}`, '--http', `127.0.0.1:${ports[place]}`]
    })
    return new DoorFuzzing(options, cluster, ports)
  }

  async run(): Promise<DoorsReport> {
    try {
      await this.#checkWorking('before anything was said')
      const before = await this.#rssBytes()
      await this.#goRound()
      await this.#checkWorking('after the stranger had gone')
      await this.#checkGrowth(before)
      await this.#cluster.kill(...this.#cluster.running)
      await this.#cluster.startAll()
      await this.#checkWorking('after all had started again')
      return { failure: null, visits: this.#visits }
    } catch (error) {
      const { message, cause } = error as Error
      const why = cause === undefined ? '' : `: ${(cause as Error).message}`
      const failure = [
        `seed ${this.#options.seed}: ${message}${why}`,
        'what was said last:',
        ...this.#said.slice(-LINES_MAX),
        ...this.#cluster.stderr.split(/^(?=--- )/m).map(lastLines)
      ].join('\n')
      return { failure, visits: this.#visits }
    }
  }

  async end(): Promise<void> {
    await this.#cluster.down()
  }

  async #goRound(): Promise<void> {
    const names = this.#cluster.running.map(place => this.#cluster.name(place))
    const scene: Scene = new Scene(this.#random, () => stranger.boot, names)
    const stranger: Stranger = await Stranger.arrive(this.#cluster.keyFile, {
      heard: message => scene.heard(message),
      asked: stream => answer(stream, this.#random, () => [scene.message()].filter(m => m !== null))
    })
    const endAt = performance.now() + this.#options.ms
    try {
      const work = this.#work(endAt)
      await Promise.all(
        Array.from({ length: VISITORS }, () => this.#visitors(stranger, scene, endAt))
      )
      await work
    } finally {
      await stranger.leave()
    }
  }

  /** Somebody works meanwhile, so that there is something to hear. */
  async #work(endAt: number): Promise<void> {
    const clients = await Promise.all(
      this.#cluster.running.map(place => this.#cluster.client(place))
    )
    for (let n = 0; performance.now() < endAt; n++) {
      const client = clients[n % clients.length]!
      const payload = n % 5 === 0 ? { ms: 1, n, x: 'x'.repeat(9000) } : { ms: 1, n }
      await client.submit('nap', payload, { retention: '1s' }).catch(() => undefined)
      await sleep(50)
    }
  }

  async #visitors(stranger: Stranger, scene: Scene, endAt: number): Promise<void> {
    const { doors = DOORS } = this.#options
    while (performance.now() < endAt) {
      const door = this.#random.pick(doors)
      const place = this.#random.whole(0, NODES - 1)
      this.#note(`${door} of ${this.#cluster.name(place)}`)
      this.#visits.set(door, (this.#visits.get(door) ?? 0) + 1)
      const visit = this.#visit(door, place, stranger, scene)
      await Promise.race([visit.catch(() => undefined), sleep(VISIT_MS_MAX, null, { ref: false })])
    }
  }

  async #visit(door: string, place: number, stranger: Stranger, scene: Scene): Promise<void> {
    const random = this.#random
    const http = HTTP_DOORS[door]
    const metricsPort = this.#ports[place]!
    if (http !== undefined) return http({ data: this.#cluster.data(place), metricsPort }, random)
    const address = this.#cluster.address(place)
    const name = this.#cluster.name(place)
    const visit: Visit = {
      stranger,
      address,
      random,
      plain: () => scene.question(),
      message: () => {
        const message = random.chance(0.1) ? scene.greeting() : scene.message()
        if (message !== null)
          this.#note(`${door} of ${name}: ${JSON.stringify(message).slice(0, 500)}`)
        return message
      }
    }
    await PEER_DOORS[door]!(visit)
  }

  #note(line: string): void {
    this.#said.push(line)
    if (this.#said.length > 4 * LINES_MAX) this.#said.splice(0, LINES_MAX)
  }

  /** A task is submitted on each node, run by the next, and read on the one after that. */
  async #checkWorking(when: string): Promise<void> {
    const places = Array.from({ length: NODES }, (_, place) => place)
    for (const place of places) {
      if (this.#cluster.lives(place)) continue
      throw new Error(`${this.#cluster.name(place)} has ended ${when}`)
    }
    const next = (place: number): number => (place + 1) % NODES
    await Promise.all(
      places.map(async place => {
        const [submitter, reader] = await Promise.all([
          this.#cluster.client(place),
          this.#cluster.client(next(next(place)))
        ])
        const labels = { require: { place: String(next(place)) } }
        await until(
          async () => {
            const { id } = await submitter.submit('nap', { ms: 1, n: place }, { labels })
            const { state, holder } = await submitter.wait(id, WORK_MS_MAX)
            const task = await until(async () => reader.get(id), `${id} to be known elsewhere`)
            return state === 'completed' && holder === this.#cluster.name(next(place)) && task
          },
          `a task of ${this.#cluster.name(place)} to be run by the next node and read on the third ${when}`,
          WORK_MS_MAX
        )
      })
    )
  }

  async #checkGrowth(before: readonly number[]): Promise<void> {
    const after = await this.#rssBytes()
    for (const [place, bytes] of after.entries()) {
      const grown = bytes - before[place]!
      if (grown <= GROWTH_BYTES_MAX) continue
      throw new Error(
        `${this.#cluster.name(place)} has grown by ${Math.round(grown / 2 ** 20)} MiB`
      )
    }
  }

  async #rssBytes(): Promise<number[]> {
    const usages = this.#cluster.running.map(place => usageOf(this.#cluster.pid(place)))
    return (await Promise.all(usages)).map(({ rssBytes }) => rssBytes)
  }
}

/** Of what one node said: which node, and how it ended. */
function lastLines(said: string): string {
  const [name = '', ...lines] = said.trimEnd().split('\n')
  return [name, ...lines.slice(-NODE_LINES_MAX)].join('\n')
}
