/**
 * What tasks cost whom, in messages, bytes, merges and flushes: by the part that a node has in a task, and by kind of
 * message.
 *
 * A message counts when it arrives, at both of its ends; one to everybody, once for each that it reaches. Its bytes are
 * what the codec makes of it, as on the wire, without what a transport adds to it (frames, encryption, the envelope of
 * gossip). One that tells of several tasks is shared out among them, and so is a flush. What is told of no task, such
 * as a heartbeat, is no part of any task's cost, and is counted by its kind alone.
 *
 * A merge is a record, or a change of one, that a replica joins to what it has. News that it has already are none, nor
 * are those that connect to nothing.
 *
 * All that is from the first submission on: before that, nodes meet.
 */
import type { BootId, NodeId, TaskId } from '../core/base/ids.ts'
import { nodeOf } from '../core/base/ids.ts'
import type { Effect } from '../core/effect.ts'
import type { Input } from '../core/input.ts'
import type { Batch, Message } from '../core/message.ts'
import type { Dot, TaskRecord } from '../core/task/record.ts'
import type { NetworkObserver, Seat, Way } from './world/network.ts'
import type { SimNode } from './world/sim-node.ts'

/** What part a node has in a task: of one that submits and runs it, that it runs it. */
export type Role = 'submitter' | 'runner' | 'bystander'

export type Cost = Readonly<{
  /** Messages and bytes that it sent, and that came to it. */
  sent: number
  received: number
  bytesSent: number
  bytesReceived: number
  merges: number
  /** Flushes, each of which is a sync. */
  flushes: number
}>
type Sum = { -readonly [K in keyof Cost]: Cost[K] }

/** Messages of one kind that arrived, over the whole cluster. */
export type KindCost = Readonly<{ messages: number; bytes: number }>

type Task = {
  submitter: NodeId | null
  readonly runners: Set<NodeId>
  readonly nodes: Map<NodeId, Sum>
}

export class Costs implements NetworkObserver {
  readonly #tasks = new Map<TaskId, Task>()
  readonly #kinds = new Map<string, { messages: number; bytes: number }>()
  /** Write that created a task -> the task: where no more is told than what has become of it, that is its name. */
  readonly #created = new Map<string, TaskId>()
  /** Acknowledgements that nobody waited for. */
  readonly #lazy = new WeakSet<Message>()
  /** Node -> boot -> up to which of its writes the node has merged all. */
  readonly #merged = new Map<SimNode, Map<BootId, number>>()
  #flushes = 0
  #hasBegun = false

  delivered(from: Seat, to: Seat, message: Message, bytes: number, way: Way): void {
    if (!this.#hasBegun) return
    this.#count(this.#kindOf(message, way), bytes)
    const ids = this.#tasksIn(message)
    for (const id of ids) {
      const share = 1 / ids.length
      const sender = this.#at(id, from)
      sender.sent += share
      sender.bytesSent += bytes * share
      const receiver = this.#at(id, to)
      receiver.received += share
      receiver.bytesReceived += bytes * share
    }
  }

  /** Before the effects are performed. */
  stepped(node: SimNode, input: Input, effects: readonly Effect[]): void {
    this.#hasBegun ||= input.kind === 'submit'
    if (!this.#hasBegun) return
    if (input.kind === 'message') this.#merge(node, input.message)
    for (const effect of effects) {
      if (effect.kind === 'start') this.#task(effect.run.taskId).runners.add(node.id)
      if (effect.kind === 'persist') this.#flushed(node, effect.flush.tasks)
      const isLazy = input.kind === 'tick' && effect.kind === 'send'
      if (isLazy && effect.message.kind === 'ack') this.#lazy.add(effect.message)
    }
  }

  /** How many tasks have been told of. */
  get tasks(): number {
    return this.#tasks.size
  }

  /** All flushes of all nodes, also those without a task. */
  get flushes(): number {
    return this.#flushes
  }

  /** Kind of message -> what all of them came to, sorted. */
  kinds(): ReadonlyMap<string, KindCost> {
    return new Map([...this.#kinds].sort(([x], [y]) => (x < y ? -1 : 1)))
  }

  /** What a task costs one node of each role on average. @param nodes how many there are */
  mean(role: Role, nodes: number): Cost {
    const sum: Sum = nothing()
    let count = 0
    for (const [, task] of this.#tasks) {
      if (role === 'bystander') count += nodes - new Set([...task.runners, task.submitter]).size
      else if (role === 'runner') count += task.runners.size
      else if (!task.runners.has(task.submitter!)) count++
      for (const [node, cost] of task.nodes) if (roleOf(task, node) === role) add(sum, cost)
    }
    for (const key of Object.keys(sum) as (keyof Cost)[]) sum[key] /= Math.max(1, count)
    return sum
  }

  #count(kind: string, bytes: number): void {
    const cost = this.#kinds.get(kind) ?? { messages: 0, bytes: 0 }
    this.#kinds.set(kind, cost)
    cost.messages++
    cost.bytes += bytes
  }

  #kindOf(message: Message, way: Way): string {
    const { kind } = message
    if (kind === 'batch') return `batch, ${way}`
    if (kind === 'ack') return this.#lazy.has(message) ? 'ack, lazy' : kind
    if (kind !== 'grant') return kind
    if (message.records.length === 0) return 'grant, of nothing'
    return message.request === 0 ? 'grant, placed' : 'grant, asked for'
  }

  /** The tasks that a message tells of, each once. */
  #tasksIn(message: Message): readonly TaskId[] {
    if (message.kind === 'batch') {
      const records = message.records.map(record => this.#noted(record))
      const changed = message.changes ?? []
      return [...records, ...changed.flatMap(({ task }) => this.#created.get(nameOf(task)) ?? [])]
    }
    if (message.kind !== 'grant' && message.kind !== 'found') return []
    const needed = message.kind === 'grant' ? message.dependencies : []
    return [...message.records, ...needed].map(record => this.#noted(record))
  }

  #noted({ spec, created }: TaskRecord): TaskId {
    for (const dot of created) this.#created.set(nameOf(dot), spec.id)
    this.#task(spec.id).submitter ??= nodeOf(spec.submittedBy)
    return spec.id
  }

  #merge(node: SimNode, message: Message): void {
    if (message.kind === 'batch' && !this.#isTakenIn(node, message)) return
    for (const id of this.#tasksIn(message)) this.#at(id, node.id).merges++
  }

  /** Whether the vector of a node has moved with this batch: otherwise nothing of it has been merged. */
  #isTakenIn(node: SimNode, { origin }: Batch): boolean {
    const merged = this.#merged.get(node) ?? new Map<BootId, number>()
    this.#merged.set(node, merged)
    const before = merged.get(origin) ?? 0
    const upTo = node.core.view.mergedVector().get(origin) ?? 0
    merged.set(origin, upTo)
    return upTo > before
  }

  #flushed(node: SimNode, tasks: readonly Readonly<{ record: TaskRecord }>[]): void {
    this.#flushes++
    for (const { record } of tasks) {
      this.#at(this.#noted(record), node.id).flushes += 1 / tasks.length
    }
  }

  #task(id: TaskId): Task {
    let task = this.#tasks.get(id)
    if (task === undefined) {
      task = { submitter: null, runners: new Set(), nodes: new Map() }
      this.#tasks.set(id, task)
    }
    return task
  }

  #at(id: TaskId, node: NodeId): Sum {
    const { nodes } = this.#task(id)
    let cost = nodes.get(node)
    if (cost === undefined) nodes.set(node, (cost = nothing()))
    return cost
  }
}

function roleOf({ submitter, runners }: Task, node: NodeId): Role {
  if (runners.has(node)) return 'runner'
  return node === submitter ? 'submitter' : 'bystander'
}

function nothing(): Sum {
  return { sent: 0, received: 0, bytesSent: 0, bytesReceived: 0, merges: 0, flushes: 0 }
}

function add(sum: Sum, cost: Cost): void {
  for (const key of Object.keys(sum) as (keyof Cost)[]) sum[key] += cost[key]
}

function nameOf({ origin, seq }: Dot): string {
  return `${origin} ${seq}`
}
