/**
 * The journal: the newest state of each task, and up to where the replica has merged each boot's writes.
 *
 * A flush is one LevelDB batch, synced: after a power cut it is there as a whole or not at all.
 *
 *     t/<task id>   StoredTask
 *     v/<boot id>   number, as text
 *     f/<boot id>   forgotten writes beyond that, Span[], as JSON
 *     m/<node id>   MemberRecord, as JSON
 *     r/<name>      Expected, as JSON
 *
 * A damaged value costs more than itself. The version vector says "I have merged this task's writes", and a task that
 * is covered by the vector but missing counts as pruned, for ever, and our peers would be told so. So if a value is
 * damaged, the damaged values and the whole vector are given up, on disk too: the node goes on like one that has heard
 * of nothing yet, fetches the log from its peers anew, and merging what it has already changes nothing.
 */
import type { ClassicLevel } from 'classic-level'
import { z } from 'zod'
import { assert } from '../core/base/assert.ts'
import { nodeOf, type BootId } from '../core/base/ids.ts'
import type { Flush, MemberRecord, StoredTask } from '../core/effect.ts'
import { CLOSED } from '../core/base/vector.ts'
import type { Expected, Span } from '../core/message.ts'
import { DataFolderError } from '../errors.ts'
import type { Journal, Replay } from '../node/ports.ts'
import { decodeStored, encodeStored } from '../wire/codec.ts'
import { CHECKSUM_BYTES, seal, sealInPlace, unseal } from './checksum.ts'

export type JournalDatabase = ClassicLevel<string, Uint8Array>

type Operation = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string }

const TASK = 't/'
const VECTOR = 'v/'
const FORGOTTEN = 'f/'
const MEMBER = 'm/'
const ROSTER = 'r/'
/** Keys of one kind lie between its prefix and this. */
const END = '\uffff'
const memberRecord = z.object({
  boot: z.string(),
  name: z.string(),
  addresses: z.array(z.string()),
  departure: z.object({ boot: z.string(), at: z.number(), forgotten: z.boolean() }).nullable(),
  stopAfterIsolatedMs: z.number().nullable()
})
const expected = z.object({ name: z.string(), at: z.number(), expected: z.boolean() })
const spansOf = z.array(z.object({ origin: z.string(), after: z.number(), upTo: z.number() }))
/** How many values are in memory at once during a replay. */
const CHUNK = 256

export class LevelJournal implements Journal {
  readonly #database: JournalDatabase
  readonly #onDamaged: (key: string, why: string) => void
  #writing: Promise<void> | null = null
  #broken = false

  /** Takes over an open database. `onDamaged` hears of each value that was given up. */
  constructor(database: JournalDatabase, onDamaged: (key: string, why: string) => void) {
    this.#database = database
    this.#onDamaged = onDamaged
  }

  /**
   * Looks at all values first, so that `damaged` and the vector are known; then gives out one task after the other, as
   * they are asked for. Only the keys are kept in memory. To be read before the first write.
   *
   * @throws DataFolderError if LevelDB itself cannot read its files
   */
  async replay(): Promise<Replay> {
    try {
      const damaged: string[] = []
      const taskKeys: string[] = []
      await this.#scan(TASK, (key, sealed) => {
        const why = whyDamaged(key, sealed)
        if (why === null) taskKeys.push(key)
        else damaged.push(this.#noteDamage(key, why))
      })
      const vector = new Map<BootId, number>()
      await this.#scan(VECTOR, (key, sealed) => {
        const number = readNumber(key, sealed)
        if (number !== null) vector.set(key.slice(VECTOR.length), number)
        else damaged.push(this.#noteDamage(key, 'its checksum is wrong'))
      })
      const forgotten = new Map<string, Span[]>()
      await this.#scan(FORGOTTEN, (key, sealed) => {
        const spans = readJson(key, sealed, spansOf)
        if (spans === null) damaged.push(this.#noteDamage(key, 'its checksum or form is wrong'))
        else forgotten.set(key, spans)
      })
      if (damaged.length > 0) await this.#giveUp(damaged, vector, forgotten)
      const members: MemberRecord[] = []
      await this.#scan(MEMBER, (key, sealed) => {
        const member = readJson(key, sealed, memberRecord)
        // Nothing depends on it but speed: the member will introduce itself.
        if (member === null) this.#noteDamage(key, 'its checksum or form is wrong')
        else members.push(member)
      })
      const roster: Expected[] = []
      await this.#scan(ROSTER, (key, sealed) => {
        const entry = readJson(key, sealed, expected)
        if (entry === null) this.#noteDamage(key, 'its checksum or form is wrong')
        else roster.push(entry)
      })
      return {
        tasks: this.#tasks(taskKeys),
        vector,
        forgotten: [...forgotten.values()].flat(),
        members,
        roster,
        damaged: damaged.length
      }
    } catch (error) {
      throw this.#failure('read', error)
    }
  }

  /** @throws DataFolderError: the disk is full, or broken. Nothing of the flush counts */
  async write(flush: Flush): Promise<void> {
    assert(this.#writing === null, 'one flush is written at a time')
    const operations: Operation[] = [
      ...flush.tasks.map(putTask),
      ...Array.from(flush.vector, ([boot, number]) => put(VECTOR + boot, Buffer.from(`${number}`))),
      ...Array.from(flush.forgotten, ([boot, spans]) => putSpans(FORGOTTEN + boot, spans)),
      ...flush.members.map(member =>
        put(MEMBER + nodeOf(member.boot), Buffer.from(JSON.stringify(member)))
      ),
      ...flush.roster.map(entry => put(ROSTER + entry.name, Buffer.from(JSON.stringify(entry)))),
      ...flush.removed.map((id): Operation => ({ type: 'del', key: TASK + id }))
    ]
    try {
      this.#writing = this.#batch(operations).then(() => this.#forgetOlder(flush.vector))
      await this.#writing
    } catch (error) {
      this.#broken = true
      throw this.#failure('write', error)
    } finally {
      this.#writing = null
    }
  }

  /** After a failed write LevelDB refuses all others, also once there is room again, until it is opened anew. */
  async #batch(operations: Operation[]): Promise<void> {
    if (this.#broken) {
      await this.#database.close()
      await this.#database.open()
      this.#broken = false
    }
    await this.#database.batch(operations, { sync: true })
  }

  /** One entry stands for a closed boot and all older ones of its node. That the older ones go later harms nobody. */
  async #forgetOlder(vector: Flush['vector']): Promise<void> {
    for (const [boot, upTo] of vector) {
      if (upTo !== CLOSED) continue
      await this.#database.clear({ gte: `${VECTOR}${nodeOf(boot)}/`, lt: VECTOR + boot })
    }
  }

  /** Waits for a write under way. */
  async close(): Promise<void> {
    await this.#writing?.catch(() => {})
    await this.#database.close()
  }

  *#tasks(keys: readonly string[]): Iterable<StoredTask> {
    for (const key of keys) {
      const sealed = this.#database.getSync(key)
      const decoded = decodeStored(unseal(key, sealed ?? Buffer.alloc(0)) ?? Buffer.alloc(0))
      assert(decoded.ok, 'what was sound a moment ago still is')
      yield decoded.task
    }
  }

  async #scan(prefix: string, visit: (key: string, sealed: Uint8Array) => void): Promise<void> {
    const iterator = this.#database.iterator({ gte: prefix, lt: prefix + END, fillCache: false })
    try {
      for (;;) {
        const entries = await iterator.nextv(CHUNK)
        if (entries.length === 0) return
        for (const [key, sealed] of entries) visit(key, sealed)
      }
    } finally {
      await iterator.close()
    }
  }

  #noteDamage(key: string, why: string): string {
    this.#onDamaged(key, why)
    return key
  }

  async #giveUp(
    damaged: readonly string[],
    vector: Map<BootId, number>,
    forgotten: Map<string, Span[]>
  ): Promise<void> {
    const vectorKeys = Array.from(vector.keys(), boot => VECTOR + boot)
    const keys = [...damaged, ...vectorKeys, ...forgotten.keys()]
    await this.#database.batch(
      keys.map(key => ({ type: 'del', key })),
      { sync: true }
    )
    vector.clear()
    forgotten.clear()
  }

  #failure(what: string, error: unknown): unknown {
    if (!(error instanceof Error && 'code' in error)) return error
    return new DataFolderError(
      `cannot ${what} the journal in ${this.#database.location}: ${error.message}; make sure that the disk is sound ` +
        'and has room. If the journal is damaged, remove its folder: the node fetches the log from its peers',
      { cause: error }
    )
  }
}

function putTask(task: StoredTask): Operation {
  const key = TASK + task.record.spec.id
  return { type: 'put', key, value: sealInPlace(key, encodeStored(task, CHECKSUM_BYTES)) }
}

function put(key: string, bytes: Uint8Array): { type: 'put'; key: string; value: Uint8Array } {
  return { type: 'put', key, value: seal(key, bytes) }
}

function putSpans(key: string, spans: readonly Span[]): Operation {
  return spans.length === 0 ? { type: 'del', key } : put(key, Buffer.from(JSON.stringify(spans)))
}

function readJson<T>(key: string, sealed: Uint8Array, form: z.ZodType<T>): T | null {
  const bytes = unseal(key, sealed)
  if (bytes === null) return null
  const { success, data } = form.safeParse(JSON.parse(Buffer.from(bytes).toString()))
  return success ? data : null
}

function whyDamaged(key: string, sealed: Uint8Array): string | null {
  const bytes = unseal(key, sealed)
  if (bytes === null) return 'its checksum is wrong'
  const decoded = decodeStored(bytes)
  return decoded.ok ? null : decoded.why
}

function readNumber(key: string, sealed: Uint8Array): number | null {
  const bytes = unseal(key, sealed)
  if (bytes === null) return null
  const number = Number(Buffer.from(bytes).toString())
  return Number.isSafeInteger(number) ? number : null
}
