/**
 * A random hour in the life of a cluster, in half a minute: nodes are killed, paused, drained, stopped and started,
 * cables are pulled and cut, while callers go on submitting. One seed gives one order of mishaps.
 *
 * What happened is recorded from outside (history.ts), and checked when the storm is over and everybody is back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskView } from '../../src/node/api/node-api.ts'
import { Random } from '../../src/sim/world/random.ts'
import { computers, type Computer, type Lan } from '../lan/lan.ts'
import type { ChaosCluster } from './cluster.ts'
import { runsOf, type History } from './history.ts'

/** How many callers submit at once, each on a node of its choice. */
const CALLERS = 6
/** The longest run of a task. */
const TASK_MS_MAX = 400
/** From one mishap to the next. */
const CALM_MS = { min: 500, max: 2500 }
/** So many nodes at least run and are not paused. */
const RUNNING_MIN = 3
/** What a caller does not hear within this it no longer waits for. */
const PATIENCE_MS = 5000
/** A node that stops finishes what it runs; on a cut LAN it first tries for a while to hand on the rest. */
const LEAVE_MS_MAX = 60_000
const SETTLE_MS_MAX = 120_000
/** Time after the end of a cut or a pause for which it is felt: until the links are up again and all is merged. */
const AFTERMATH_MS = 15_000

type Mishap = 'kill' | 'pause' | 'continue' | 'drain' | 'stop' | 'start' | 'cut' | 'unplug' | 'heal'

export class Storm {
  readonly #cluster: ChaosCluster
  readonly #lan: Lan
  readonly #dice: Random
  readonly #paused = new Set<number>()
  /** Those that run nothing any more until they are started again. */
  readonly #draining = new Set<number>()
  readonly #leaving = new Set<Promise<unknown>>()
  readonly #accepted = new Set<string>()
  readonly #told: { task: string; run: string; at: number }[] = []
  readonly #deaths = new Map<number, number>()
  readonly #disturbances: { from: number; to: number }[] = []
  #disturbedSince: number | null = null
  #cut = false
  #over = false
  /** What happened, in order: for the message of a failure. */
  readonly log: string[] = []

  constructor(cluster: ChaosCluster, lan: Lan, seed: number) {
    this.#cluster = cluster
    this.#lan = lan
    this.#dice = new Random(seed)
  }

  /** Rages for `durationMs`, then brings everybody back, and waits until all is settled. */
  async rage(durationMs: number): Promise<History> {
    const callers = Array.from({ length: CALLERS }, (_, n) => this.#call(n))
    const endAt = Date.now() + durationMs
    while (Date.now() < endAt) {
      await sleep(this.#dice.whole(CALM_MS.min, CALM_MS.max))
      await this.#mishap()
    }
    await this.#calm()
    this.#over = true
    await Promise.all(callers)
    await this.#cluster.settled(SETTLE_MS_MAX)
    return this.#history()
  }

  async #call(n: number): Promise<void> {
    const dice = new Random(n)
    while (!this.#over) {
      const places = this.#cluster.running.filter(place => !this.#paused.has(place))
      const asked = this.#callOnce(dice.pick(places), dice.whole(10, TASK_MS_MAX), dice.chance(0.3))
      // Its node may be killed or paused in the middle of it: that is no fault, and nothing was promised.
      const late = sleep(PATIENCE_MS, null, { ref: false })
      await Promise.race([asked.catch(() => sleep(100)), late])
    }
  }

  async #callOnce(place: number, ms: number, waits: boolean): Promise<void> {
    const client = await this.#cluster.client(place)
    const { id } = await client.submit('work', { ms })
    this.#accepted.add(id)
    if (!waits) return
    const { state, result } = await client.wait(id)
    if (state !== 'completed') return
    this.#told.push({ task: id, run: (result as { run: string }).run, at: Date.now() })
  }

  async #mishap(): Promise<void> {
    const kind = this.#dice.pick(this.#possible())
    const places = this.#cluster.running.filter(place => !this.#paused.has(place))
    const place = this.#dice.pick(places)
    const note = (what: string): void => void this.log.push(`${new Date().toISOString()} ${what}`)
    switch (kind) {
      case 'kill':
        note(`kill ${place}`)
        return this.#kill(place)
      case 'pause':
        note(`pause ${place}`)
        this.#disturb()
        this.#cluster.signal(place, 'SIGSTOP')
        this.#paused.add(place)
        return
      case 'continue':
        note('continue')
        return this.#continue()
      case 'drain':
        note(`drain ${place}`)
        this.#draining.add(place)
        await (await this.#cluster.client(place)).drain()
        return
      case 'stop':
        note(`stop ${place}`)
        return this.#stop(place)
      case 'start': {
        const down = [0, 1, 2, 3, 4, 5].filter(other => !this.#cluster.running.includes(other))
        const back = this.#dice.pick(down)
        note(`start ${back}`)
        // One that still leaves has to be gone first: both would use one folder.
        await Promise.all(this.#leaving)
        return this.#cluster.start(back)
      }
      case 'cut':
      case 'unplug': {
        const computer = this.#dice.pick<Computer>(computers)
        note(`${kind} ${computer}`)
        this.#disturb()
        this.#cut = true
        return kind === 'cut' ? this.#lan.cut(computer) : this.#lan.unplug(computer)
      }
      case 'heal':
        note('heal')
        return this.#heal()
    }
  }

  #possible(): Mishap[] {
    const up = this.#cluster.running.length
    const awake = up - new Set([...this.#paused, ...this.#draining]).size
    return [
      ...(awake > RUNNING_MIN ? (['kill', 'pause', 'drain', 'stop'] as const) : []),
      ...(this.#paused.size > 0 ? (['continue'] as const) : []),
      ...(up < 6 ? (['start', 'start'] as const) : []),
      ...(this.#cut ? (['heal'] as const) : (['cut', 'unplug'] as const))
    ]
  }

  async #kill(place: number): Promise<void> {
    this.#draining.delete(place)
    const pid = this.#cluster.pid(place)
    await this.#cluster.kill(place)
    this.#deaths.set(pid, Date.now())
  }

  async #stop(place: number): Promise<void> {
    this.#draining.delete(place)
    const pid = this.#cluster.pid(place)
    const leaving = this.#cluster.stop(place, LEAVE_MS_MAX).then(code => {
      this.#deaths.set(pid, Date.now())
      if (code !== 0) throw new Error(`${this.#cluster.name(place)} left with exit code ${code}`)
    })
    this.#leaving.add(leaving)
    await Promise.race([leaving, sleep(CALM_MS.max)])
  }

  #continue(): void {
    for (const place of this.#paused) this.#cluster.signal(place, 'SIGCONT')
    this.#paused.clear()
    this.#settleDown()
  }

  async #heal(): Promise<void> {
    await this.#lan.heal()
    this.#cut = false
    this.#settleDown()
  }

  async #calm(): Promise<void> {
    this.log.push(`${new Date().toISOString()} calm`)
    this.#continue()
    await this.#heal()
    for (const place of this.#draining) await this.#stop(place)
    await Promise.all(this.#leaving)
    await this.#cluster.startAll()
  }

  #disturb(): void {
    this.#disturbedSince ??= Date.now()
  }

  #settleDown(): void {
    if (this.#disturbedSince === null || this.#cut || this.#paused.size > 0) return
    this.#disturbances.push({ from: this.#disturbedSince, to: Date.now() + AFTERMATH_MS })
    this.#disturbedSince = null
  }

  async #history(): Promise<History> {
    const views = new Map<string, Map<string, TaskView>>()
    for (const place of this.#cluster.running) {
      views.set(this.#cluster.name(place), await this.#cluster.tasks(place))
    }
    return {
      accepted: this.#accepted,
      runs: runsOf(await this.#cluster.history()),
      deaths: this.#deaths,
      disturbances: this.#disturbances,
      told: this.#told,
      views
    }
  }
}
