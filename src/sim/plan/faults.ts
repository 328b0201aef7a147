/** What goes wrong in a simulated cluster: each picks whom it befalls by the dice. */
import { nodeOf, type BootId, type NodeId } from '../../core/base/ids.ts'
import type { Effect } from '../../core/effect.ts'
import type { Snapshot } from '../../core/replication/snapshot.ts'
import type { Heartbeat } from '../../core/message.ts'
import type { Checkers } from '../checkers/checkers.ts'
import { RESTART_MS_MAX, WRONG_MS, type Cluster, type World } from '../world/cluster.ts'
import { lieOf } from './lies.ts'
import { isAlone } from '../predicates.ts'
import { loadInto, savedBy } from './saved.ts'
import { Disk } from '../world/disk.ts'
import type { SimNode } from '../world/sim-node.ts'

/** How often an operator looks which nodes are gone for good. */
const FORGET_MS = 1000
/** Share of damaged disks that have nothing left on them. */
const EMPTIED = 0.3
/** Share of failing disks that refuse no more than one write. */
const ONE_WRITE = 0.3
/** How far the clock of a node may be off without anybody minding. */
const SLIGHT_MS = 100

export class Faults {
  readonly #world: World
  readonly #cluster: Cluster
  readonly #checkers: Checkers
  /** Nodes that have died, and still count. */
  readonly #unforgotten = new Set<SimNode>()
  /** Computers that are to go, and to come back with other disks. */
  #toLose = 0
  /** Computers that are to go for good. */
  #toDie = 0
  /** How many cuts there have been. */
  #cuts = 0

  constructor(world: World, cluster: Cluster, checkers: Checkers) {
    this.#world = world
    this.#cluster = cluster
    this.#checkers = checkers
  }

  crash(diskLost: boolean): void {
    const open = this.#cluster.open()
    if (open.length === 0) return
    const node = this.#world.random.pick(open)
    this.#cluster.crash(node, diskLost)
    if (diskLost) this.#checkers.lost([node.options.disk])
  }

  crashAll(): void {
    for (const node of this.#cluster.alive()) this.#cluster.crash(node, false)
  }

  /** The computer of the next node that tells a caller that a task is accepted, or how it has ended, is to go. */
  loseNext(): void {
    this.#toLose++
  }

  /** The same, and it does not come back. */
  loseNextForGood(): void {
    this.#toDie++
  }

  /** A node has told a caller something, and no other node anything yet in that step. */
  told(node: SimNode, effects: readonly Effect[]): void {
    // A node that hears of it later takes it for crashed, and waits for what it may know, until it is forgotten.
    if (effects.some(({ kind }) => kind === 'left') && isAlone(node)) this.#forget(node)
    if (this.#toLose + this.#toDie === 0) return
    if (this.#world.eventQueue.now >= this.#world.scenario.busyMs) return
    if (!effects.some(({ kind }) => kind === 'accepted' || kind === 'settled')) return
    if (this.#toLose > 0) {
      this.#toLose--
      this.#checkers.lost(this.#cluster.loseComputerOf(node).map(({ options }) => options.disk))
      return
    }
    const together = this.#cluster.onComputerOf(node)
    if (!this.#mayDie(together.length) || together.some(each => this.#cluster.isLast(each))) return
    this.#toDie--
    this.#die(together)
  }

  /** A node loses power, for good. */
  die(): void {
    const mortal = this.#cluster.open().filter(node => !this.#cluster.isLast(node))
    if (this.#mayDie(1) && mortal.length > 0) this.#die([this.#world.random.pick(mortal)])
  }

  /** Whether more than half of the members that count are left when this many die. */
  #mayDie(count: number): boolean {
    return this.#cluster.open().length - count > this.#unforgotten.size + count
  }

  /** They go for good, and at once. */
  #die(nodes: readonly SimNode[]): void {
    const { random, transcript } = this.#world
    for (const { id } of nodes) transcript.add(`${id} DIES`)
    const isPowerLost = !random.chance(0.5)
    for (const node of nodes) {
      if (isPowerLost) node.losePower()
      else node.crash()
    }
    this.#checkers.lost(nodes.map(({ options }) => options.disk))
    for (const node of nodes) {
      this.#unforgotten.add(node)
      this.#forget(node)
    }
  }

  /**
   * What is on the disk of a node now, or nothing, is all that is on it when its node comes back from a crash later.
   */
  damage(): void {
    const { eventQueue, random, scenario } = this.#world
    const alive = this.#cluster.alive()
    if (alive.length === 0) return
    const { disk } = random.pick(alive).options
    const isEmptied = random.chance(EMPTIED)
    const earlier = isEmptied ? new Disk() : disk.copy()
    eventQueue.after(random.whole(0, Math.max(0, scenario.busyMs - eventQueue.now)), () => {
      const node = this.#cluster.open().find(({ options }) => options.disk === disk)
      if (node === undefined) return
      this.#cluster.restore(node, earlier)
      this.#checkers.lost([disk], earlier)
    })
  }

  /** The disk of a node takes nothing for a while; or, now and then, only not what comes next. */
  fillDisk(): void {
    const { eventQueue, random, scenario, transcript } = this.#world
    const alive = this.#cluster.alive().filter(({ options }) => !options.disk.isFull)
    if (alive.length === 0) return
    const { id, options } = random.pick(alive)
    const { disk } = options
    if (random.chance(ONE_WRITE)) {
      transcript.add(`${id} WRITE FAILS`)
      disk.refusals++
      return
    }
    transcript.add(`${id} DISK FULL`)
    disk.isFull = true
    eventQueue.after(random.whole(0, scenario.busyMs / 2), () => {
      transcript.add(`${id} DISK HAS ROOM`)
      disk.isFull = false
    })
  }

  /**
   * The disk of a node is copied, and a second process started on the copy; now and then while the first one is down.
   */
  clone(): void {
    const { eventQueue, random, scenario } = this.#world
    const alone = this.#cluster.open().filter(node => !this.#cluster.isTwin(node))
    if (alone.length === 0) return
    const node = random.pick(alone)
    const disk = node.options.disk.copy()
    const isDown = random.chance(0.5)
    if (isDown) this.#cluster.crash(node, false)
    const msMax = isDown ? RESTART_MS_MAX : Math.max(0, scenario.busyMs - eventQueue.now)
    eventQueue.after(random.whole(0, msMax), () => {
      if (!this.#cluster.mayBeCopied(node)) return
      // Until it is known that there are two, what one of them holds is taken for that of a boot that is gone.
      this.#checkers.cut()
      this.#cluster.clone(node, disk)
    })
  }

  /** Nothing passes between two nodes for a while: one way only, or both. */
  block(isOneWay: boolean): void {
    const { eventQueue, random, network, scenario, transcript } = this.#world
    const there = this.#cluster.alive()
    if (there.length < 2) return
    const [x, y] = [0, 1].map(() => {
      return there.splice(random.whole(0, there.length - 1), 1)[0]!.id
    }) as [NodeId, NodeId]
    const ways = isOneWay
      ? ([[x, y]] as const)
      : ([
          [x, y],
          [y, x]
        ] as const)
    transcript.add(`${x} CANNOT REACH ${y}${isOneWay ? '' : ', nor the other way'}`)
    this.#checkers.cut()
    for (const [from, to] of ways) network.block(from, to)
    eventQueue.after(random.whole(0, scenario.busyMs / 2), () => {
      for (const [from, to] of ways) network.unblock(from, to)
    })
  }

  cut(): void {
    const { eventQueue, random, network, scenario, transcript } = this.#world
    const island = new Set(this.#cluster.nodes.map(({ id }) => id).filter(() => random.chance(0.5)))
    network.cut(island)
    this.#checkers.cut()
    transcript.add(`CUT ${[...island].join(' ')}`)
    if (scenario.healMsMax === 0) return
    const cut = ++this.#cuts
    eventQueue.after(random.whole(0, scenario.healMsMax), () => {
      if (cut !== this.#cuts) return
      transcript.add('HEALED')
      network.heal()
    })
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

  /** The clock of a node is set wrong, as long as most are right; or right, if it is wrong. */
  setClock(): void {
    const { random, transcript } = this.#world
    const alive = this.#cluster.alive()
    if (alive.length === 0) return
    const isWrong = ({ offMs }: SimNode): boolean => Math.abs(offMs) >= WRONG_MS
    // One of them may not be heard just then.
    const mayBeWrong = 2 * (alive.filter(isWrong).length + 1) < alive.length - 1
    const node = random.pick(alive)
    const slightly = [-SLIGHT_MS, 0, SLIGHT_MS]
    const choice = mayBeWrong && !isWrong(node) ? [-WRONG_MS, WRONG_MS, ...slightly] : slightly
    const offMs = random.pick(choice)
    transcript.add(`${node.id} CLOCK ${offMs} ms off`)
    node.setClock(offMs)
  }

  /** Saves the state of a node, to be loaded at two moments later, each time by a node that is there. */
  save(): void {
    const { eventQueue, random, scenario, transcript } = this.#world
    const alive = this.#cluster.alive()
    if (alive.length === 0) return
    const node = random.pick(alive)
    const saved = savedBy(node)
    transcript.add(`${node.id} SAVE`)
    for (let n = 0; n < 2; n++) {
      eventQueue.after(random.whole(0, scenario.busyMs), () => this.#load(saved))
    }
  }

  /** A node tells one that can hear it what is not so of a third, which lives. */
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

  /**
   * A node that sees that another is gone is told not to wait for it. Its last boot may have died before any node had
   * met it; then it is an earlier one that is waited for.
   *
   * @param forgotten the boot of it that is not waited for any more. @default none
   */
  #forget(node: SimNode, forgotten: BootId = ''): void {
    const { eventQueue, random, transcript } = this.#world
    const seen = this.#cluster.open().map(by => ({ by, boot: bootSeenGone(by, node.id) }))
    const last = seen.reduce((latest, { boot }) => (boot > latest ? boot : latest), forgotten)
    const knowing = seen.filter(({ boot }) => boot === last && boot !== forgotten)
    if (knowing.length === 0)
      return eventQueue.after(FORGET_MS, () => this.#forget(node, forgotten))
    const { by } = random.pick(knowing)
    transcript.add(`${by.id} FORGETS ${node.id}`)
    this.#unforgotten.delete(node)
    by.feed({ kind: 'forget', name: node.options.name, node: node.id })
    eventQueue.after(FORGET_MS, () => {
      // It may have died before it wrote that down or told anybody.
      if (by.gone) {
        this.#unforgotten.add(node)
        this.#forget(node, forgotten)
      } else if (last < node.options.boot) this.#forget(node, last)
    })
  }

  #load(saved: Snapshot): void {
    const { random, transcript } = this.#world
    const open = this.#cluster.open()
    if (open.length === 0) return
    const node = random.pick(open)
    transcript.add(`${node.id} LOAD`)
    loadInto(node, saved)
  }
}

/** The boot of a node that this one takes for gone; none, if it takes it for alive, or knows nothing of it. */
function bootSeenGone({ core, now }: SimNode, id: NodeId): BootId {
  const seen = core.view.members(now).find(({ heartbeat }) => nodeOf(heartbeat.boot) === id)
  return seen?.status === 'crashed' || seen?.status === 'unreachable' ? seen.heartbeat.boot : ''
}
