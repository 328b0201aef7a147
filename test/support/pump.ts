/**
 * A few cores, driven by hand: every message waits in one queue until `settle` delivers it, in order and at once.
 *
 * Unlike the simulator it has no dice and no clock of its own, and each piece of the outside can be held back: a disk
 * that does not answer (`holdDisk`), a message that is lost (`lose`), a handler that ends when the test says so, a node
 * that dies (`crash`) and is started again with what was on its disk (`restart`).
 */
import { nodeOf, type BootId, type NodeId, type TaskId } from '../../src/core/base/ids.ts'
import { Core } from '../../src/core/core.ts'
import type { Effect, Flush, Run } from '../../src/core/effect.ts'
import type { Input, RunResult } from '../../src/core/input.ts'
import type { Message } from '../../src/core/message.ts'
import type { CoreOptions } from '../../src/core/options.ts'
import type { BlobRef } from '../../src/core/task/content.ts'
import type { TaskRecord } from '../../src/core/task/record.ts'
import { Disk } from '../../src/sim/world/disk.ts'
import { simulatedKeyedId } from '../../src/sim/world/keys.ts'
import type { TaskDraft } from '../../src/core/task/spec.ts'
import { DRAFT } from './tasks.ts'

type FailureReason = Extract<RunResult, { status: 'failed' }>['reason']

/**
 * A node is looked at after each of its first steps, until it has more tasks and boots than this: to look takes time
 * for each of them.
 */
const LOOKED_AT = { steps: 1000, sizeMax: 100 }

export class Pump {
  now = 1_000_000
  readonly nodes: PumpNode[] = []
  /** Messages for which this says true never arrive. */
  lose: (from: NodeId, to: NodeId, message: Message) => boolean = () => false
  /** What a node makes of a message. */
  read: (to: NodeId, message: Message) => Message = (_, message) => message
  /** Nodes whose answers to sync requests break off before they bring anything. */
  readonly mute = new Set<NodeId>()
  /** Whether a probe finds out anything at all. Without, it is like one that goes through a cut cable. */
  probing = true
  /** Nobody is woken between ticks. */
  sleepy = false
  readonly #queue: (() => void)[] = []
  /** What happens once the virtual time is `at`. */
  #pending: { at: number; run: () => void }[] = []

  add(
    boot: BootId,
    options: Partial<CoreOptions> = {},
    disk: Disk = new Disk(),
    name = `test/${nodeOf(boot)}`,
    version = '0.0.0'
  ): PumpNode {
    const node = new PumpNode(this, boot, options, disk, name, version)
    this.nodes.push(node)
    return node
  }

  /** A node dies. What it has sent arrives or not, as `lose` says; the others see their links to it close. */
  crash(...dying: PumpNode[]): void {
    for (const node of dying) node.gone = true
    for (const node of dying) {
      for (const other of this.alive()) if (other.links.has(node.id)) this.link(node, other, false)
    }
  }

  /** The node starts again with what was on its disk, linked to all others. */
  restart(
    node: PumpNode,
    boot: BootId,
    options: Partial<CoreOptions> = node.options,
    version: string = node.version
  ): PumpNode {
    const again = this.add(boot, options, node.disk, node.name, version)
    for (const other of this.alive()) if (other !== again) this.link(again, other)
    return again
  }

  alive(): PumpNode[] {
    return this.nodes.filter(({ gone }) => !gone)
  }

  link(x: PumpNode, y: PumpNode, up = true): void {
    for (const [node, other] of [
      [x, y],
      [y, x]
    ] as const) {
      if (up) node.links.add(other.id)
      else node.links.delete(other.id)
      node.feed({ kind: 'link', peer: other.id, up })
    }
  }

  later(run: () => void): void {
    this.#queue.push(run)
  }

  after(ms: number, run: () => void): void {
    if (ms === 0) this.later(run)
    else this.#pending.push({ at: this.now + ms, run })
  }

  deliver(from: PumpNode, to: NodeId, message: Message): void {
    if (!from.links.has(to) || this.lose(from.id, to, message)) return
    const receiver = this.alive().find(({ id }) => id === to)
    const read = this.read(to, message)
    this.later(() => receiver?.feed({ kind: 'message', from: from.id, message: read }))
  }

  /** Delivers until nothing is on its way any more. */
  settle(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next()
  }

  /** Time passes: one tick for each node, then all that follows from it. */
  pass(ms: number): void {
    this.now += ms
    const due = this.#pending.filter(({ at }) => at <= this.now)
    this.#pending = this.#pending.filter(({ at }) => at > this.now)
    for (const { run } of due) this.later(run)
    for (const node of this.alive()) node.feed({ kind: 'tick' })
    this.settle()
  }
}

export class PumpNode {
  readonly id: NodeId
  readonly boot: BootId
  readonly core: Core
  readonly options: Partial<CoreOptions>
  readonly disk: Disk
  readonly links = new Set<NodeId>()
  /** Everything that it ever asked for, in order. */
  readonly effects: Effect[] = []
  readonly running = new Map<TaskId, Run>()
  holdDisk = false
  /** Its disk has no room for blobs. */
  isFull = false
  gone = false
  /** How far its clock is ahead. */
  skewMs = 0
  readonly name: string
  readonly version: string
  readonly #pump: Pump
  #steps = 0
  #heldFlush: Flush | null = null
  #requests = 0

  constructor(
    pump: Pump,
    boot: BootId,
    options: Partial<CoreOptions>,
    disk: Disk,
    name: string,
    version: string
  ) {
    this.id = nodeOf(boot)
    this.boot = boot
    this.options = options
    this.disk = disk
    this.name = name
    this.version = version
    this.#pump = pump
    const identity = { boot, name, version, labels: {} }
    this.core = new Core(identity, options)
    const { tasks, vector, forgotten, unreadable, members, roster, spent, blobs } = disk
    this.core.restore({
      tasks: tasks.values(),
      vector,
      forgotten: [...forgotten.values()].flat(),
      unreadable: [...unreadable.values()].flat(),
      members: members.values(),
      roster: roster.values(),
      spent,
      blobs: [...blobs.values()]
    })
  }

  feed(input: Input): Effect[] {
    if (this.gone) return []
    const effects = this.core.step(this.#pump.now + this.skewMs, input)
    this.#look()
    this.effects.push(...effects)
    for (const effect of effects) this.#perform(effect)
    return effects
  }

  #look(): void {
    if (++this.#steps > LOOKED_AT.steps) return
    const { view } = this.core
    if (view.taskCount + view.mergedVector().size > LOOKED_AT.sizeMax) this.#steps = LOOKED_AT.steps
    else this.core.assertInvariants()
  }

  /** Its wall clock is set to `aheadMs` ahead of its monotonic one. */
  setClock(aheadMs: number): void {
    this.feed({ kind: 'clock', aheadMs })
    this.#pump.settle()
  }

  worker(slots: number, handlers: readonly string[] = ['work']): void {
    this.feed({ kind: 'worker', slots, handlers })
    this.#pump.settle()
  }

  /** Writes a blob, and submits a task that has it as its payload. The task may be yet to come. */
  submitBlob(payload: BlobRef, acks: number | null = null): void {
    this.disk.blobs.set(payload.hash, payload)
    const request = ++this.#requests
    this.feed({ kind: 'submit', request, id: null, draft: { ...DRAFT, payload }, acks })
  }

  /** The handler of a task that runs here ends with a result that it has written to a blob. */
  endWith(taskId: TaskId, result: BlobRef): void {
    this.disk.blobs.set(result.hash, result)
    this.end(taskId, { status: 'completed', result })
  }

  has({ hash }: BlobRef): boolean {
    return this.disk.blobs.has(hash)
  }

  /** Returns the id of the new task; or, of one under a key, its id in any case. */
  submit(draft: Partial<TaskDraft> = {}, acks: number | null = null): TaskId {
    const request = ++this.#requests
    const before = new Set([...this.core.view.records()].map(({ spec }) => spec.id))
    const { idempotencyKey = null } = draft
    const id = idempotencyKey === null ? null : simulatedKeyedId(idempotencyKey)
    this.feed({ kind: 'submit', request, id, draft: { ...DRAFT, ...draft }, acks })
    if (id !== null) return id
    return [...this.core.view.records()].find(({ spec }) => !before.has(spec.id))!.spec.id
  }

  /** The handler of a task that runs here ends. */
  end(taskId: TaskId, run: RunResult = { status: 'completed', result: '"done"' }): void {
    const { epoch } = this.running.get(taskId)!
    this.running.delete(taskId)
    this.feed({ kind: 'completion', taskId, epoch, run, durationMs: 1 })
  }

  /** A run has written a blob, for the next attempt. @param epoch of the run. @default the one that runs here */
  save(taskId: TaskId, blob: BlobRef, epoch: number = this.running.get(taskId)!.epoch): void {
    this.disk.blobs.set(blob.hash, blob)
    this.feed({ kind: 'checkpoint', request: ++this.#requests, taskId, epoch, blob })
  }

  cancel(taskId: TaskId): void {
    this.feed({ kind: 'cancel', taskId })
    this.#pump.settle()
  }

  /** The handler of a task that runs here fails. */
  fail(taskId: TaskId, reason: FailureReason = 'HandlerError'): void {
    const error = { name: 'Error', message: 'it failed', stack: null }
    this.end(taskId, { status: 'failed', error, reason })
  }

  /** The flush that was held back is on disk. */
  releaseDisk(): void {
    this.holdDisk = false
    const flush = this.#heldFlush
    this.#heldFlush = null
    if (flush !== null) this.#landed(flush)
  }

  /** The same, and the next one is held back again. */
  releaseFlush(): void {
    const flush = this.#heldFlush
    this.#heldFlush = null
    if (flush !== null) this.#landed(flush)
  }

  /** What this node waits for on account of a task, each as `what on what`. */
  waitsFor(taskId: TaskId): string[] {
    return Array.from(
      this.core.view.pending(taskId),
      ({ pending, until }) => `${pending.kind} on ${until.on}`
    )
  }

  record(taskId: TaskId): TaskRecord {
    return this.core.view.record(taskId)!
  }

  state(taskId: TaskId): string {
    const record = this.core.view.record(taskId)
    return record === undefined ? 'unknown' : this.core.view.state(record)
  }

  of<K extends Effect['kind']>(kind: K): Extract<Effect, { kind: K }>[] {
    return this.effects.filter((e): e is Extract<Effect, { kind: K }> => e.kind === kind)
  }

  sent<K extends Message['kind']>(kind: K): Extract<Message, { kind: K }>[] {
    const messages = [...this.of('send'), ...this.of('publish')].map(({ message }) => message)
    return messages.filter((m): m is Extract<Message, { kind: K }> => m.kind === kind)
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        return this.#pump.deliver(this, effect.to, effect.message)
      case 'publish':
        for (const to of this.links) this.#pump.deliver(this, to, effect.message)
        return
      case 'persist': {
        const { flush } = effect
        if (this.holdDisk) this.#heldFlush = flush
        else this.#pump.later(() => this.#landed(flush))
        return
      }
      case 'turn':
        return void this.feed({ kind: 'turn' })
      case 'wake':
        if (!this.#pump.sleepy) this.#pump.later(() => this.feed({ kind: 'wake' }))
        return
      case 'sync':
        return this.#pump.later(() => this.#sync(effect))
      case 'probe': {
        const { boot, afterMs } = effect
        const isAlive = (): boolean => this.#pump.alive().some(node => node.boot === boot)
        return this.#pump.after(afterMs, () =>
          this.feed({ kind: 'probed', boot, refused: this.#pump.probing && !isAlive() })
        )
      }
      case 'meet': {
        const isTwin = ({ id, boot }: PumpNode): boolean => id === this.id && boot !== this.boot
        const another = this.#pump.alive().some(isTwin)
        return this.#pump.later(() => this.feed({ kind: 'met', another }))
      }
      case 'fetch-blob':
        return this.#pump.later(() => this.#fetchBlob(effect))
      case 'drop-blob':
        this.disk.blobs.delete(effect.hash)
        return
      case 'start':
        this.running.set(effect.run.taskId, effect.run)
        return
      case 'abort':
        this.running.delete(effect.taskId)
        return
      case 'give-way':
      case 'created':
      case 'accepted':
      case 'refused':
      case 'found':
      case 'loaded':
      case 'saved':
      case 'settled':
      case 'notify':
      case 'left':
        return
    }
  }

  #fetchBlob({ ref, from }: Extract<Effect, { kind: 'fetch-blob' }>): void {
    const source = this.#pump
      .alive()
      .find(({ id, disk }) => from.includes(id) && this.links.has(id) && disk.blobs.has(ref.hash))
    const why = source === undefined ? 'nobody' : this.isFull ? 'no-room' : null
    if (why !== null) return void this.feed({ kind: 'blob-failed', hash: ref.hash, why })
    this.disk.blobs.set(ref.hash, ref)
    this.feed({ kind: 'blob-kept', ref })
  }

  #landed(flush: Flush): void {
    if (this.gone) return
    this.disk.write(flush)
    this.feed({ kind: 'persisted', flush: flush.flush })
  }

  #sync({ peer, request }: Extract<Effect, { kind: 'sync' }>): void {
    const answerer = this.#pump.alive().find(({ id }) => id === peer)
    const answered = answerer !== undefined && this.links.has(peer) && !this.#pump.mute.has(peer)
    if (answered) {
      for (const message of answerer.core.answerSync(request)) {
        this.feed({ kind: 'message', from: peer, message: this.#pump.read(this.id, message) })
      }
    }
    this.feed({ kind: 'sync-ended', peer, whole: answered })
  }
}

/** Nodes named a, b, c ..., all linked, none with a handler yet. @param computers of each. @default one for all */
export function pumpOf(
  boots: readonly BootId[],
  options: Partial<CoreOptions> = {},
  computers: readonly string[] = []
): Pump {
  const pump = new Pump()
  for (const [i, boot] of boots.entries()) {
    pump.add(boot, options, new Disk(), `${computers[i] ?? 'test'}/${nodeOf(boot)}`)
  }
  for (const [i, x] of pump.nodes.entries()) {
    for (const y of pump.nodes.slice(i + 1)) pump.link(x, y)
  }
  pump.settle()
  return pump
}
