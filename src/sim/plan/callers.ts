/** What callers want of a simulated cluster: tasks submitted, under a key or not, and cancelled. */
import { hash32, type TaskId } from '../../core/base/ids.ts'
import type { Effect } from '../../core/effect.ts'
import { isBlob, type Content } from '../../core/task/content.ts'
import type { Cluster, World } from '../world/cluster.ts'
import { randomTask } from './workload.ts'
import { simulatedKeyedId } from '../world/keys.ts'
import { EPOCH_MS, type SimNode } from '../world/sim-node.ts'

/** By then all nodes have met that were there from the start, and are not new any more. */
const MET_MS = 2000

export class Callers {
  readonly #world: World
  readonly #cluster: Cluster
  /** Tasks that were accepted, as often as they were. */
  readonly accepted: TaskId[] = []

  /** How many have come one by one. */
  #begun = 0
  /** What the caller of the last of these has been told so far, in whatever order. */
  #accepted: TaskId | null = null
  #settled: TaskId | null = null

  constructor(world: World, cluster: Cluster) {
    this.#world = world
    this.#cluster = cluster
  }

  /** When all have met, tasks begin to come to the first node. */
  begin(): void {
    const { eventQueue, scenario } = this.#world
    eventQueue.after(MET_MS, () => {
      if (scenario.arrival === 'one-by-one') return this.#next()
      for (let i = 0; i < scenario.tasks; i++) this.submit(i)
    })
  }

  #next(): void {
    this.#accepted = null
    if (this.#begun < this.#world.scenario.tasks) this.submit(this.#begun++)
  }

  /** A node tells callers something. */
  told(node: SimNode, effects: readonly Effect[]): void {
    const { eventQueue, scenario } = this.#world
    for (const effect of effects) {
      if (effect.kind === 'accepted') this.accepted.push(effect.taskId)
      if (scenario.arrival === 'scattered' || !this.#cluster.isFirst(node)) continue
      if (effect.kind === 'accepted') {
        const { taskId } = effect
        this.#accepted = taskId
        eventQueue.after(0, () => node.feed({ kind: 'watch', taskId }))
      } else if (effect.kind === 'settled') this.#settled = effect.taskId
      else continue
      if (scenario.arrival !== 'one-by-one' || this.#accepted !== this.#settled) continue
      eventQueue.after(0, () => this.#next())
    }
  }

  submit(i: number): void {
    const { eventQueue, random, scenario } = this.#world
    const open = this.#accepting()
    if (open.length === 0) return
    const isScattered = scenario.arrival === 'scattered'
    const node = isScattered ? random.pick(open) : open.find(each => this.#cluster.isFirst(each))
    if (node === undefined) return
    const dependsOn = this.#dependencies()
    const isKeyed = scenario.keyed > 0 && random.chance(scenario.keyed)
    const idempotencyKey = `key ${i}`
    const payload = isKeyed
      ? this.#sharedPayload(idempotencyKey)
      : node.content(JSON.stringify({ i }))
    if (payload === null) return
    // A caller that names a time goes by the right clock, if there is one.
    const isRight = scenario.wrongClocks + scenario.clockSteps > 0
    const nowMs = isRight ? EPOCH_MS + eventQueue.now : node.core.view.wallMs(node.now)
    const plain = randomTask(random, scenario, payload, dependsOn, nowMs)
    const acks = scenario.acks > 0 && random.chance(scenario.acks) ? random.whole(0, 2) : null
    if (!isKeyed) {
      node.feed({ kind: 'submit', request: i, id: null, draft: plain, acks })
      return
    }
    const draft = { ...plain, idempotencyKey }
    const id = simulatedKeyedId(idempotencyKey)
    const submit = (each: SimNode): void => {
      const { disk } = each.options
      if (isBlob(payload) && disk.isFull) return
      if (isBlob(payload)) disk.blobs.set(payload.hash, payload)
      each.feed({ kind: 'submit', request: i, id, draft, acks })
    }
    for (const each of open) submit(each)
    if (scenario.again === 0 || !random.chance(scenario.again)) return
    eventQueue.after(random.whole(0, scenario.busyMs), () => {
      const there = this.#accepting()
      if (there.length > 0) submit(random.pick(there))
    })
  }

  /** A node whose disk has refused a flush takes no submissions: the shell refuses them. */
  #accepting(): SimNode[] {
    return this.#cluster.open().filter(({ isDiskFailing }) => !isDiskFailing)
  }

  cancel(): void {
    const { random } = this.#world
    const nodes = this.#cluster.alive()
    if (nodes.length === 0 || this.accepted.length === 0) return
    const taskId = random.pick(this.accepted)
    random.pick(nodes).feed({ kind: 'cancel', taskId })
  }

  /** A caller waits for a task, or looks for one that may have been pruned, or may never have been. */
  ask(): void {
    const { random } = this.#world
    const nodes = this.#cluster.alive()
    if (nodes.length === 0 || this.accepted.length === 0) return
    const node = random.pick(nodes)
    const kind = random.pick(['watch', 'find'] as const)
    const isKnown = kind === 'watch' || random.chance(0.8)
    const taskId = isKnown ? random.pick(this.accepted) : simulatedKeyedId('nobody has this key')
    node.feed({ kind, taskId })
  }

  /**
   * The same on all nodes. The name decides whether it is a blob: a blob is on the disk of the node that submits it.
   */
  #sharedPayload(key: string): Content {
    const { blobs } = this.#world.scenario
    if (hash32(key) / 2 ** 32 >= blobs) return JSON.stringify(key)
    const digits = Array.from({ length: 8 }, (_, n) => hash32(`${key} ${n}`).toString(16))
    return { hash: digits.map(each => each.padStart(8, '0')).join(''), bytes: 20_000 }
  }

  #dependencies(): TaskId[] {
    const { random, scenario } = this.#world
    if (this.accepted.length === 0 || !random.chance(scenario.dependent)) return []
    const picked = Array.from({ length: random.whole(1, 3) }, () => random.pick(this.accepted))
    return [...new Set(picked)]
  }
}
