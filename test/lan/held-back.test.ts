/**
 * Submitters that are held back at the door of their node, because it is behind with copies, while a cable is pulled or a
 * bystander stands still: it goes on for all of them. Three real nodes, a computer each.
 */
import { describe, expect } from 'vitest'
import type { BatchLine } from '../../src/api/batch.ts'
import type { ChaosCluster } from '../chaos/cluster.ts'
import type { Onlooker } from '../chaos/onlooker.ts'
import { until } from '../support/until.ts'
import { checkOf, healedOnLan, sharedOnLan } from './check.ts'
import { lanUnavailable, type Lan } from './lan.ts'

const unavailable = lanUnavailable()
if (unavailable) console.warn(`submitters that are held back are skipped: ${unavailable}`)

const GO_ON_MS_MAX = 60_000
/** What a batch sends ahead, and a node lets in before it has copies: all batches but one wait. */
const AHEAD = 1024
const BATCHES = 3

/** Batches of tasks whose time does not come, as many as a node takes. */
class Flood {
  #isOver = false
  #accepted = 0
  #uncopied = 0
  readonly #refused: string[] = []
  readonly #ends: Promise<void>[] = []

  static async at(cluster: ChaosCluster, place: number): Promise<Flood> {
    const flood = new Flood()
    for (let i = 0; i < BATCHES; i++) {
      const feeding = flood.#feed(cluster, place)
      flood.#ends.push(feeding.catch(error => void flood.#refused.push(String(error))))
    }
    const client = await cluster.client(place)
    await until(async () => {
      const { waiting, heldBackBy } = (await client.status()).submitters
      return flood.#accepted > 0 && waiting >= AHEAD && heldBackBy === 'copies'
    }, 'submitters to be held back')
    return flood
  }

  get accepted(): number {
    return this.#accepted
  }

  /** How many of these are on no other disk. */
  get uncopied(): number {
    return this.#uncopied
  }

  /** Waits until all who are at the door, or have been let in, are accepted. */
  async goesOn(): Promise<void> {
    const before = this.#accepted
    const isOver = (): boolean => this.#accepted > before + BATCHES * AHEAD
    await until(isOver, 'whoever is held back to be let in', GO_ON_MS_MAX)
  }

  /** @throws if anything was refused */
  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#ends)
    expect(this.#refused).toEqual([])
  }

  async #feed(cluster: ChaosCluster, place: number): Promise<void> {
    const client = await cluster.client(place)
    for await (const answer of client.submitMany(this.#lines())) {
      if ('error' in answer) this.#refused.push(answer.error.message)
      else {
        this.#accepted++
        if (answer.acks === 0) this.#uncopied++
      }
    }
  }

  async *#lines(): AsyncGenerator<BatchLine> {
    for (let line = 1; !this.#isOver; line++) {
      yield { line, type: 'work', payload: { ms: 1 }, options: { delay: 3_600_000 } }
    }
  }
}

let lan: Lan
let cluster: ChaosCluster
let look: Onlooker

const check = checkOf(() => cluster)

describe.skipIf(unavailable !== null)('submitters that are held back', () => {
  sharedOnLan(there => ({ lan, cluster, look } = there), { places: ['a', 'b', 'c'] })
  healedOnLan(() => ({ lan, cluster }))

  check('do not wait for a bystander that stands still', async () => {
    const flood = await Flood.at(cluster, 0)
    const before = flood.accepted
    cluster.signal(2, 'SIGSTOP')
    await until(
      async () => (await look.nodeSeen(0, 2))?.status !== 'alive',
      'the silence to be noticed'
    )
    const { accepted, uncopied } = flood
    cluster.signal(2, 'SIGCONT')
    await flood.end()
    expect(accepted - before).toBeGreaterThan(AHEAD)
    expect(uncopied).toBe(0)
    await cluster.settled(GO_ON_MS_MAX)
  })

  check('are let in on both sides of a cut, and all know their tasks after it', async () => {
    const floods = await Promise.all([0, 1].map(place => Flood.at(cluster, place)))
    await lan.cut('a')
    const goingOn = floods.map(flood => flood.goesOn().then(() => flood.end()))
    for (const other of [1, 2]) {
      const isSilent = async (): Promise<boolean> =>
        (await look.nodeSeen(0, other))?.status !== 'alive'
      await until(isSilent, `the silence of ${other} to be noticed`, GO_ON_MS_MAX)
    }
    const client = await cluster.client(0)
    const isDoorOpen = async (): Promise<boolean> =>
      (await client.status()).submitters.waiting === 0
    // The links are up still, and nobody is asked for copies who would give them.
    await until(isDoorOpen, 'nobody to be held back where nobody is heard')
    await Promise.all(goingOn)
    expect(floods.map(({ uncopied }) => uncopied > 0)).toEqual([true, false])
    await lan.heal()
    await cluster.startAll()
    await cluster.settled(GO_ON_MS_MAX)
    const { delayed } = (await (await cluster.client(2)).status()).tasks
    expect(delayed).toBeGreaterThanOrEqual(floods[0]!.accepted + floods[1]!.accepted)
  })
})
