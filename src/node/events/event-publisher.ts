/**
 * What happens at this node, told as events to all listeners.
 *
 * Output and progress may come by the thousand. They are told to those that listen at that moment, shortened and at a
 * bounded rate, and are not kept: they must not push out what is rare. All of it is in the logs of the task.
 */
import type { BootId, NodeId, TaskId } from '../../core/base/ids.ts'
import { endOfWhole } from '../../core/base/utf8.ts'
import type { CoreEvent } from '../../core/effect.ts'
import type { OutputStream } from '../../core/message.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import type { Json } from '../api/node-api.ts'
import type { Listeners } from './listeners.ts'
import type { Clock } from '../../ports/ports.ts'
import { textOf } from '../output/text.ts'

/** Guess: more than anybody follows by eye, and nothing for the one who tells. */
const PASSING_PER_SECOND_MAX = 200
const TEXT_BYTES_MAX = 1024
/** Events of settled tasks are kept by the thousand; who wants the whole message looks at the task. */
const MESSAGE_LENGTH_MAX = 200

export class EventPublisher {
  readonly #core: CoreView
  readonly #listeners: Listeners
  readonly #clock: Pick<Clock, 'now'>
  readonly #nameOf: (boot: BootId) => string
  /** Nodes that ran twice at a time -> when that was found, by the monotonic clock, in ms. */
  readonly duplicates: Map<NodeId, number> = new Map()
  #secondBeganAt = 0
  #passed = 0

  constructor(
    core: CoreView,
    listeners: Listeners,
    clock: Pick<Clock, 'now'>,
    nameOf: (boot: BootId) => string
  ) {
    this.#core = core
    this.#listeners = listeners
    this.#clock = clock
    this.#nameOf = nameOf
  }

  settled({ spec, claim, outcome }: TaskRecord): void {
    const { status, reason, error } = outcome!
    this.#listeners.emit(`task:${status}`, {
      taskId: spec.id,
      type: spec.type,
      node: this.#nameOf(claim.holder),
      ...(reason === null ? {} : { reason }),
      ...(error === null ? {} : { message: error.message.slice(0, MESSAGE_LENGTH_MAX) })
    })
  }

  event(event: CoreEvent): void {
    if (!('taskId' in event)) {
      if (event.name === 'node:duplicate-identity') {
        this.duplicates.set(event.node, this.#clock.now())
      }
      this.#listeners.emit(event.name, { node: event.nodeName, id: event.node })
      return
    }
    const { name, taskId } = event
    const fields: Record<string, Json> = { taskId, type: this.#typeOf(taskId) }
    if ('by' in event) {
      const { by, attempt, from = null } = event
      fields['node'] = this.#nameOf(by)
      if (attempt !== null) fields['attempt'] = attempt
      if (from !== null) fields['from'] = this.#nameOf(from)
    }
    this.#listeners.emit(name, fields)
  }

  said(taskId: TaskId, stream: OutputStream, bytes: Uint8Array): void {
    const end = bytes.length > TEXT_BYTES_MAX ? endOfWhole(bytes, TEXT_BYTES_MAX) : bytes.length
    this.#pass('task:log', taskId, { stream, text: textOf(bytes.subarray(0, end)) })
  }

  progressed(taskId: TaskId, fraction: number, message: string | null): void {
    this.#pass('task:progress', taskId, { fraction, message })
  }

  #pass(event: string, taskId: TaskId, fields: Readonly<Record<string, Json>>): void {
    if (!this.#listeners.any) return
    const now = this.#clock.now()
    if (now - this.#secondBeganAt >= 1000) {
      this.#secondBeganAt = now
      this.#passed = 0
    }
    if (this.#passed++ >= PASSING_PER_SECOND_MAX) return
    this.#listeners.mention(event, { taskId, type: this.#typeOf(taskId), ...fields })
  }

  #typeOf(taskId: TaskId): string {
    return this.#core.record(taskId)?.spec.type ?? ''
  }
}
