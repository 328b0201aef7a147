/**
 * The output of a task from its beginning, wherever in the cluster it runs or ran, and on until it settles.
 *
 * All members are asked which of its attempts they have; each attempt is then read from the node that ran it, in order.
 * Who runs the next one is in the log of tasks, so following needs no help from anybody: it looks at the task whenever
 * the core has taken something in. A stream that breaks is taken up again where it broke off, as long as
 * the attempt stands. What is gone with its node is said to be gone, and the last lines are in the outcome.
 */
import { isUtf8 } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeOf, type BootId, type NodeId, type TaskId } from '../../core/base/ids.ts'
import type { AttemptInfo, OutputAnswer, OutputRequest, Piece } from '../../core/message.ts'
import { isSettled, type TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import { wallMsOf } from '../runtime/clock.ts'
import type { LogEntry } from '../api/node-api.ts'
import type { Logbook } from './logbook.ts'
import type { Clock, Transport } from '../../ports/ports.ts'
import type { Turns } from '../runtime/turns.ts'
import { piecesOf } from './tail.ts'
import { textOf } from './text.ts'

/** Time that a member has to say what it has. */
const ASK_MS = 1500
/** Pause before a broken stream is taken up again; and how often that is tried once the attempt is over. */
const AGAIN_MS = 300
const AGAIN_MAX = 3
/** Pauses between looks for a run that is known to be starting and has not begun: the first one, and the longest. */
const BEGIN_MS = 50
const BEGIN_MS_MAX = 1000
const ENDED_FROM_OUTSIDE = ['CancelledByUser', 'DeadlineExceeded']

export type FollowingParts = Readonly<{
  core: CoreView
  transport: Transport
  clock: Clock
  logbook: Logbook
  nameOf: (node: NodeId) => string
  turns: Turns
  /** Throws if nothing comes in any more. */
  assertNotClosed: () => void
}>

type Attempt = Readonly<{ node: NodeId; info: AttemptInfo }>
/** What members have of a task, and which of them have said so. */
type Found = Readonly<{ attempts: readonly Attempt[]; answered: ReadonlySet<NodeId> }>
/** What one reader has seen. */
type Reading = {
  readonly taskId: TaskId
  readonly follow: boolean
  readonly signal: AbortSignal
  /** Epochs whose output it has had, as far as there is any. */
  readonly epochs: Set<number>
  readonly attempts: Set<number>
  /** Lost runs that it knows of. */
  lost: number
}

export class Following {
  readonly #parts: FollowingParts

  constructor(parts: FollowingParts) {
    this.#parts = parts
  }

  /**
   * Ends when the task has settled; without `follow`, when all that there is has been read.
   *
   * @throws NodeClosedError if the node closes before that, or the signal's reason
   */
  async *read(
    taskId: TaskId,
    follow: boolean,
    signal: AbortSignal
  ): AsyncGenerator<LogEntry, void, undefined> {
    const { core, turns, assertNotClosed } = this.#parts
    const epochs = new Set<number>()
    const reading: Reading = { taskId, follow, signal, epochs, attempts: new Set(), lost: 0 }
    /** A start that has been told and has not begun where it was made. */
    let starting: number | null = null
    let pauseMs = BEGIN_MS
    const isNew = ({ started }: TaskRecord): boolean =>
      started !== null && !epochs.has(started.epoch)
    const hasNews = (): boolean => {
      const record = core.record(taskId)
      if (record === undefined || isSettled(record)) return true
      if (isNew(record) && record.started!.epoch !== starting) return true
      assertNotClosed()
      return false
    }
    for (let isFirst = true; ; isFirst = false) {
      signal.throwIfAborted()
      const record = core.record(taskId)
      if (record === undefined) return
      if (isFirst || isNew(record)) yield* this.#news(record, reading)
      if (!follow || isSettled(record)) return
      const { started } = record
      const before = starting
      starting = isNew(record) ? started!.epoch : null
      pauseMs = starting === before ? Math.min(2 * pauseMs, BEGIN_MS_MAX) : BEGIN_MS
      await turns.until(hasNews, signal, starting === null ? undefined : pauseMs)
    }
  }

  /** All attempts that the reader has not seen. */
  async *#news(record: TaskRecord, reading: Reading): AsyncGenerator<LogEntry, void, undefined> {
    const { claim, outcome, started } = record
    const { attempts: found, answered } = await this.#attempts(reading)
    for (const { info } of found) reading.attempts.add(info.attempt)
    for (const boot of claim.lost.slice(reading.lost)) {
      yield this.#note(
        claim.attempt,
        boot,
        `it was gone before its run ended, and the output with it`
      )
    }
    reading.lost = claim.lost.length
    for (let attempt = 1; attempt < claim.attempt; attempt++) {
      if (reading.attempts.has(attempt)) continue
      reading.attempts.add(attempt)
      yield this.#note(attempt, null, `the output of attempt ${attempt} is no longer kept anywhere`)
    }
    for (const attempt of found) {
      reading.epochs.add(attempt.info.epoch)
      yield* this.#output(attempt, reading)
    }
    if (started === null || reading.epochs.has(started.epoch)) return
    const isOver = outcome?.epoch === started.epoch
    // Others are told of a start before the run begins. It has said nothing yet.
    if (!isOver && answered.has(nodeOf(started.by)) && this.#isBoot(started.by)) return
    reading.epochs.add(started.epoch)
    if (isOver) yield* this.#rest(record, reading, started.epoch, 0)
    else yield this.#note(claim.attempt, started.by, 'what it has said so far cannot be read')
  }

  /**
   * What the members have of a task that the reader has not had. Of two with one epoch, the one that was started first.
   */
  async #attempts(reading: Reading): Promise<Found> {
    const { taskId, epochs } = reading
    const { core, clock } = this.#parts
    const linked = core.members(clock.now()).filter(member => member.linked)
    const nodes = [this.#self, ...linked.map(({ heartbeat }) => nodeOf(heartbeat.boot))]
    const lists = await Promise.all(nodes.map(node => this.#attemptsAt(node, reading)))
    const by = core.record(taskId)?.started
    const isStarter = (attempt: Attempt): boolean =>
      by?.epoch === attempt.info.epoch && nodeOf(by.by) === attempt.node
    const byEpoch = new Map<number, Attempt>()
    for (const attempt of lists.flatMap(list => list ?? [])) {
      const { epoch, taskId: of } = attempt.info
      if (of !== taskId || epochs.has(epoch)) continue
      if (!byEpoch.has(epoch) || isStarter(attempt)) byEpoch.set(epoch, attempt)
    }
    return {
      attempts: [...byEpoch.values()].sort((x, y) => x.info.epoch - y.info.epoch),
      answered: new Set(nodes.filter((_, place) => lists[place] !== null))
    }
  }

  /** Whether a node still runs as this boot of it, whose memory has what it has said. */
  #isBoot(boot: BootId): boolean {
    const { core } = this.#parts
    if (core.self().boot === boot) return true
    return core.member(nodeOf(boot))?.heartbeat.boot === boot
  }

  /**
   * Null for a member that does not answer. The node that ran the task last is asked more than once: no other has what
   * it has.
   */
  async #attemptsAt(node: NodeId, { taskId, signal }: Reading): Promise<Attempt[] | null> {
    const { core } = this.#parts
    for (let tries = 0; ; tries++) {
      const infos: Attempt[] = []
      try {
        const ended = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)])
        for await (const answer of this.#ask(node, { kind: 'attempts', taskId }, ended)) {
          if (answer.kind === 'attempt') infos.push({ node, info: answer.info })
        }
        return infos
      } catch {
        signal.throwIfAborted()
        const by = core.record(taskId)?.started?.by
        const isMissed = by !== undefined && nodeOf(by) === node && core.isLinked(node)
        if (!isMissed || tries >= AGAIN_MAX) return infos.length > 0 ? infos : null
        await sleep(AGAIN_MS, undefined, { signal })
      }
    }
  }

  async *#output(
    { node, info }: Attempt,
    reading: Reading
  ): AsyncGenerator<LogEntry, void, undefined> {
    const { core, turns, assertNotClosed } = this.#parts
    const { taskId, follow, signal } = reading
    const { epoch, attempt } = info
    const isCurrent = (): boolean => core.record(taskId)?.claim.epoch === epoch
    const goesOn = (): boolean => follow && isCurrent() && !isSettled(core.record(taskId)!)
    let position = 0
    for (let tries = 0; ; tries++) {
      try {
        const request: OutputRequest = { kind: 'read', taskId, epoch, position, follow }
        for await (const answer of this.#ask(node, request, signal)) {
          if (answer.kind !== 'piece') continue
          const { piece } = answer
          if (piece.position > position) yield this.#gap(attempt, node, piece.position - position)
          position = piece.position + piece.bytes.length
          yield this.#entry(attempt, node, piece)
          tries = 0
        }
        return
      } catch {
        signal.throwIfAborted()
        assertNotClosed()
        if (!goesOn() && tries >= AGAIN_MAX)
          return yield* this.#rest(core.record(taskId), reading, epoch, position)
        if (!isCurrent()) tries = AGAIN_MAX
        else await turns.until(() => core.isLinked(node) || !goesOn(), signal)
        await sleep(AGAIN_MS, undefined, { signal })
      }
    }
  }

  /** The end of an attempt whose node cannot be asked any more. */
  *#rest(
    record: TaskRecord | undefined,
    reading: Reading,
    epoch: number,
    start: number
  ): Generator<LogEntry, void, undefined> {
    if (record === undefined) return
    const { outcome, claim, started } = record
    const gone = outcome?.epoch === epoch ? outcome.by : (started?.by ?? claim.holder)
    const pieces = outcome?.epoch === epoch ? piecesOf(outcome.tail) : []
    let position = start
    for (const piece of pieces) {
      const end = piece.position + piece.bytes.length
      if (end <= position) continue
      if (piece.position > position) {
        yield this.#gap(claim.attempt, nodeOf(gone), piece.position - position)
      }
      const bytes = piece.bytes.subarray(Math.max(0, position - piece.position))
      yield this.#entry(claim.attempt, nodeOf(gone), { ...piece, bytes })
      position = end
    }
    if (outcome?.epoch === epoch) {
      // Its last lines come after the outcome, and the node may have been gone by then.
      if (outcome.tail === null && ENDED_FROM_OUTSIDE.includes(outcome.reason ?? '')) {
        yield this.#note(claim.attempt, gone, 'it cannot be asked, and nobody else has the output')
      }
      return
    }
    reading.lost++
    yield this.#note(
      claim.attempt,
      null,
      'the node that ran it is gone, and the rest of its output with it'
    )
  }

  #gap(attempt: number, node: NodeId, bytes: number): LogEntry {
    return {
      ...this.#note(attempt, null, `${bytes} bytes of output are not kept here`),
      node: this.#parts.nameOf(node)
    }
  }

  #note(attempt: number, boot: BootId | null, text: string): LogEntry {
    const { clock, nameOf } = this.#parts
    const node = boot === null ? null : nameOf(nodeOf(boot))
    const at = new Date(wallMsOf(clock)).toISOString()
    const what = node === null ? text : `${node}: ${text}`
    return { v: 1, at, attempt, node, stream: 'note', text: `${what}\n` }
  }

  #entry(attempt: number, node: NodeId, { at, stream, bytes }: Piece): LogEntry {
    const name = this.#parts.nameOf(node)
    const said = { at: new Date(at).toISOString(), attempt, node: name, stream }
    const exact = isUtf8(bytes) ? {} : { base64: Buffer.from(bytes).toString('base64') }
    return { v: 1, ...said, text: textOf(bytes), ...exact }
  }

  get #self(): NodeId {
    return this.#parts.transport.id
  }

  #ask(node: NodeId, request: OutputRequest, signal: AbortSignal): AsyncIterable<OutputAnswer> {
    const { logbook, transport } = this.#parts
    if (node === this.#self) return logbook.answer(request)
    return transport.askOutput(node, request, signal)
  }
}
