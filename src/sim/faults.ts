/** What goes wrong in a simulated cluster, and what its people do to it: each picks whom it befalls by the dice. */
import type { Replica } from '../core/log/replica.ts'
import type { Heartbeat } from '../core/message.ts'
import type { Checkers } from './checkers/checkers.ts'
import type { Cluster, World } from './cluster.ts'
import { lieOf } from './lies.ts'
import { loadInto, savedBy } from './saved.ts'
import type { SimNode } from './sim-node.ts'

export class Faults {
  readonly #world: World
  readonly #cluster: Cluster
  readonly #checkers: Checkers

  constructor(world: World, cluster: Cluster, checkers: Checkers) {
    this.#world = world
    this.#cluster = cluster
    this.#checkers = checkers
  }

  crash(diskLost: boolean): void {
    const open = this.#cluster.open()
    if (open.length > 0) this.#cluster.crash(this.#world.random.pick(open), diskLost)
  }

  crashAll(): void {
    for (const node of this.#cluster.alive()) this.#cluster.crash(node, false)
  }

  leave(): void {
    const open = this.#cluster.alive().filter(node => !this.#cluster.isLast(node))
    if (open.length > 0) this.#world.random.pick(open).leave()
  }

  cut(): void {
    const { random, network, transcript } = this.#world
    const island = new Set(this.#cluster.nodes.map(({ id }) => id).filter(() => random.chance(0.5)))
    network.cut(island)
    this.#checkers.cut()
    transcript.add(`CUT ${[...island].join(' ')}`)
  }

  pause(): void {
    const { random, scenario, transcript } = this.#world
    const there = this.#cluster.alive()
    if (there.length === 0) return
    const node = random.pick(there)
    node.pause(random.whole(0, 3 * scenario.unreachableMs))
    this.#checkers.cut()
    transcript.add(`${node.id} PAUSE`)
  }

  /** Saves the state of a node, to be loaded at two moments later, each time by whoever is there. */
  save(): void {
    const { agenda, random, scenario, transcript } = this.#world
    const alive = this.#cluster.alive()
    if (alive.length === 0) return
    const node = random.pick(alive)
    const saved = savedBy(node)
    transcript.add(`${node.id} SAVE`)
    for (let n = 0; n < 2; n++) {
      agenda.after(random.whole(0, scenario.busyMs), () => this.#load(saved))
    }
  }

  /** Somebody tells one who can hear it what is not so of a third, who lives. */
  lie(): void {
    const { random, network } = this.#world
    const alive = this.#cluster.alive()
    if (alive.length < 3) return
    const [liar, victim, to] = [0, 1, 2].map(() => {
      return alive.splice(random.whole(0, alive.length - 1), 1)[0]!
    }) as [SimNode, SimNode, SimNode]
    const words = [liar, victim].map(({ core }) => core.view.self()) as [Heartbeat, Heartbeat]
    network.send(liar.id, to.id, lieOf(random, ...words, to.options.boot))
  }

  #load(saved: Replica): void {
    const { random, transcript } = this.#world
    const open = this.#cluster.open()
    if (open.length === 0) return
    const node = random.pick(open)
    transcript.add(`${node.id} LOAD`)
    loadInto(node, saved)
  }
}
