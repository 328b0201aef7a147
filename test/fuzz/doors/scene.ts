/**
 * What a stranger knows of a real cluster by listening: who says what, which boots there are, which tasks. Out of that it
 * makes messages as `../injector.ts` does for simulated nodes, and tells no lies that members have to believe.
 */
import { nodeOf, type BootId, type NodeId, type TaskId } from '../../../src/core/base/ids.ts'
import type { Heartbeat, Message } from '../../../src/core/message.ts'
import type { TaskRecord } from '../../../src/core/task/record.ts'
import type { Random } from '../../../src/sim/world/random.ts'
import { isLie, type Truth } from '../believed.ts'
import { greetingOf, invented } from '../inventions.ts'
import { mutated, throughCodec } from '../mutating.ts'
import { Vocabulary, type Present } from '../vocabulary.ts'

const KEPT_MAX = 200
const TASKS_MAX = 50
const TRIES = 12

export class Scene {
  readonly #random: Random
  readonly #own: () => BootId
  readonly #names: readonly string[]
  readonly #words: Vocabulary
  readonly #messages: Message[] = []
  readonly #heartbeats = new Map<NodeId, Heartbeat>()
  readonly #past = new Set<BootId>()
  readonly #tasks: TaskId[] = []
  /** "origin seq" -> the task that was created by that. */
  readonly #creations = new Map<string, TaskId>()

  /**
   * @param own the stranger's own boot
   * @param names of the nodes of the cluster: others that speak are strangers
   */
  constructor(random: Random, own: () => BootId, names: readonly string[]) {
    this.#random = random
    this.#own = own
    this.#names = names
    this.#words = new Vocabulary(random, () => this.#present())
  }

  heard(message: Message): void {
    this.#words.note(message)
    this.#keep(message)
    if (message.kind === 'heartbeat') this.#noteHeartbeat(message)
    const records = message.kind === 'batch' || message.kind === 'grant' ? message.records : []
    for (const record of records) this.#noteRecord(record)
  }

  /** What the stranger says of itself, truly. */
  greeting(): Message {
    return greetingOf(this.#own(), 'stranger/1', Date.now())
  }

  /** A question for everything. */
  question(): Message {
    return { kind: 'sync', boot: this.#own(), vector: new Map() }
  }

  /** A message, a little off; null if nothing comes to mind. */
  message(): Message | null {
    const from = nodeOf(this.#own())
    for (let left = TRIES; left > 0; left--) {
      const message = this.#made()
      if (message !== null && !isLie(from, message, this.#truth())) return message
    }
    return null
  }

  #made(): Message | null {
    const random = this.#random
    const known = this.#messages.length > 0 ? random.pick(this.#messages) : null
    const base = random.chance(0.5) ? known : invented(random, this.#words, Date.now())
    if (base === null) return null
    const joined = base.kind === 'batch' && random.chance(0.7) ? this.#joined(base) : base
    return random.chance(0.25) ? throughCodec(joined) : mutated(joined, random, this.#words)
  }

  /** Writes of somebody of whom nothing is known, from the first one on. */
  #joined(batch: Extract<Message, { kind: 'batch' }>): Message {
    const origin = this.#random.chance(0.5) ? this.#own() : this.#words.newBoot()
    const records = batch.records.map(record => ({ ...record, created: [{ origin, seq: 1 }] }))
    return { ...batch, origin, after: 0, records }
  }

  #noteHeartbeat(heartbeat: Heartbeat): void {
    for (const boot of heartbeat.vector.keys()) this.#past.add(boot)
    if (!this.#names.includes(heartbeat.name)) return
    const before = this.#heartbeats.get(nodeOf(heartbeat.boot))
    if (before === undefined || before.boot <= heartbeat.boot) {
      this.#heartbeats.set(nodeOf(heartbeat.boot), heartbeat)
    }
  }

  #noteRecord({ spec, created }: TaskRecord): void {
    if (!this.#tasks.includes(spec.id)) this.#tasks.push(spec.id)
    if (this.#tasks.length > TASKS_MAX) this.#tasks.shift()
    for (const { origin, seq } of created) this.#creations.set(`${origin} ${seq}`, spec.id)
  }

  #keep(message: Message): void {
    if (this.#messages.length < KEPT_MAX) this.#messages.push(message)
    else this.#messages[this.#random.whole(0, KEPT_MAX - 1)] = message
  }

  #present(): Present {
    const live = [...this.#heartbeats.values()].map(({ boot }) => boot)
    return {
      nowMs: Date.now(),
      live,
      past: [...this.#past].filter(boot => !live.includes(boot)).slice(-50),
      closed: [],
      strangers: [this.#own()],
      names: this.#names,
      tasks: this.#tasks
    }
  }

  #truth(): Truth {
    const boots = [...this.#heartbeats].map(([node, { boot }]) => [node, boot] as const)
    return {
      nowMs: Date.now(),
      boots: new Map(boots),
      names: new Set(this.#names),
      writtenBy: (origin, seq) => this.#creations.get(`${origin} ${seq}`)
    }
  }
}
