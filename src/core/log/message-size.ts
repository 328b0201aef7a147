/**
 * How large a message will be, before it is encoded. Never less than the true size, so that what fits here fits on the
 * wire; test/wire checks that against the codec.
 */
import { utf8Length } from '../base/utf8.ts'
import type { BootId } from '../base/ids.ts'
import { sameValues } from '../base/order.ts'
import type { Change } from '../message.ts'
import { TASK_DEFAULTS } from '../options.ts'
import { isBlob, type Content } from '../task/content.ts'
import type { TaskRecord } from '../task/record.ts'
import type { TaskSpec } from '../task/spec.ts'

/** Tag and length of a field, and a number of any size. */
const FIELD_BYTES = 10
/** A task id with tag and length. */
const ID_BYTES = 18
/** A blob's hash and size. */
const BLOB_BYTES = 96

export class MessageSize {
  /** The envelope, the origin's name and the place of the stretch. */
  bytes = 256
  readonly #names = new Set<BootId>()

  /** Adds one write: its place in the list of records. */
  addWrite(): void {
    this.bytes += 3
  }

  add(record: TaskRecord): void {
    const { spec, created } = record
    this.bytes += 16 * FIELD_BYTES + ID_BYTES * (1 + spec.dependsOn.length)
    this.bytes += utf8Length(spec.type) + contentLength(spec.payload)
    for (const tag of spec.tags) this.bytes += FIELD_BYTES + utf8Length(tag)
    this.bytes += optionsLength(spec) + laterLength(spec)
    this.#addName(spec.submittedBy)
    for (const dot of created) {
      this.bytes += 3 * FIELD_BYTES
      this.#addName(dot.origin)
    }
    this.#addState(record)
  }

  addChange(change: Change): void {
    this.bytes += 4 * FIELD_BYTES
    this.#addName(change.task.origin)
    this.#addState(change)
  }

  #addState(state: Omit<Change, 'task'>): void {
    const { claim, started, cancelRequest, outcome, checkpoint, components = [] } = state
    this.bytes += 6 * FIELD_BYTES + laterLength(claim)
    if (checkpoint !== undefined) {
      this.bytes += 4 * FIELD_BYTES + BLOB_BYTES + laterLength(checkpoint)
    }
    for (const { bytes } of components) this.bytes += FIELD_BYTES + bytes.length
    this.#addName(claim.holder)
    for (const boot of claim.lost) this.#addName(boot)
    if (started !== null) {
      this.bytes += 3 * FIELD_BYTES + laterLength(started)
      this.#addName(started.by)
    }
    if (cancelRequest !== null) {
      this.bytes += 2 * FIELD_BYTES + laterLength(cancelRequest)
      this.#addName(cancelRequest.by)
    }
    if (outcome === null) return
    this.bytes += 9 * FIELD_BYTES + contentLength(outcome.result ?? '')
    this.bytes += utf8Length(outcome.tail ?? '') + laterLength(outcome)
    this.#addName(outcome.by)
    if (outcome.error === null) return
    const { name, message, stack } = outcome.error
    this.bytes += 4 * FIELD_BYTES + utf8Length(name) + utf8Length(message) + utf8Length(stack ?? '')
  }

  #addName(name: BootId): void {
    this.bytes += 6
    if (this.#names.has(name)) return
    this.#names.add(name)
    this.bytes += name.length
  }
}

/** Bytes of the options that are only sent if they are not as usual. */
function optionsLength({
  backoff,
  labels,
  idempotencyKey,
  retryOf,
  ref,
  traceparent
}: TaskSpec): number {
  let bytes = utf8Length(idempotencyKey ?? '')
  if (!sameValues(backoff, TASK_DEFAULTS.backoff)) bytes += 5 * FIELD_BYTES
  if (retryOf !== null) bytes += ID_BYTES
  if (traceparent !== null) bytes += FIELD_BYTES + traceparent.length
  if (ref !== null) bytes += FIELD_BYTES + utf8Length(ref)
  for (const condition of [...labels.require, ...labels.prefer]) {
    const texts = 'anyOf' in condition ? condition.anyOf : []
    bytes += 2 * FIELD_BYTES + utf8Length(condition.label)
    for (const each of texts) bytes += FIELD_BYTES / 2 + utf8Length(each)
  }
  return bytes
}

/** Bytes of what a later version has added, which goes along as it came. */
function laterLength({ later }: Readonly<{ later?: string }>): number {
  return later?.length ?? 0
}

function contentLength(content: Content): number {
  return isBlob(content) ? BLOB_BYTES : utf8Length(content)
}
