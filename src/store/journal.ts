/**
 * The journal: the newest state of each task, and up to where the replica has merged each boot's writes.
 *
 * A flush is one LevelDB batch, synced: after a power cut it is there as a whole or not at all.
 *
 *     t/<task id>   StoredTask
 *     v/<boot id>   number, as text
 *     f/<boot id>   pruned writes beyond that, Span[], as JSON
 *     u/<boot id>   what could not be read of the writes up to that, UnreadableSpan[], as JSON
 *     m/<node id>   MemberRecord, as JSON
 *     r/<name>      Expected, as JSON
 *     s/floor       where the floor of room is, as text
 *     k/<task id>   until when a key counts whose task was pruned early, in ms, as text
 *
 * A damaged value costs more than itself. The version vector says "I have merged this task's writes", and a task that
 * is covered by the vector but missing counts as pruned, for ever, and our peers would be told so. So if a value is
 * damaged, the damaged values and the whole vector are given up, on disk too: the node goes on like one that has heard
 * of nothing yet, fetches the log from its peers anew, and merging what it has already changes nothing. The same if
 * LevelDB itself has left something out (database.ts).
 *
 * A value of a kind that is not known here is a later version's, which may start on this folder again: it stays.
 */
import { z } from 'zod'
import { assert } from '../core/base/assert.ts'
import { nodeOf, type BootId, type TaskId } from '../core/base/ids.ts'
import type { Flush, MemberRecord, StoredTask, UnreadableSpan } from '../core/effect.ts'
import { RETIRED } from '../core/base/version-vector.ts'
import type { Expected, Span } from '../core/message.ts'
import { DataFolderError } from '../shared/errors.ts'
import type { Journal, Replay } from '../ports/ports.ts'
import { decodeStored, encodeStored } from '../wire/codec.ts'
import { CHECKSUM_BYTES, seal, sealInPlace, unseal } from './checksum.ts'
import { isDamage, type DatabaseFolder } from './database.ts'
import type { JournalDatabase } from './journal-copy.ts'

type Operation = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string }

const TASK = 't/'
const VECTOR = 'v/'
const FORGOTTEN = 'f/'
const UNREADABLE = 'u/'
const MEMBER = 'm/'
const ROSTER = 'r/'
const SPENT = 'k/'
const SETTING = 's/'
const FLOOR = 'floor'
/**
 * What is lost of these says nothing of the log: members and expected instances will be heard of, a key may serve
 * again.
 */
const BESIDE_THE_LOG = [MEMBER, ROSTER, SPENT, SETTING]
/** Keys of one kind lie between its prefix and this. */
const END = '\uffff'
const memberRecord = z.object({
  boot: z.string(),
  name: z.string(),
  addresses: z.array(z.string()),
  departure: z
    .object({
      boot: z.string(),
      at: z.number(),
      forgotten: z.boolean(),
      upTo: z.number().default(0)
    })
    .nullable(),
  stopAfterIsolatedMs: z.number().nullable(),
  proven: z.boolean().default(true)
})
const expected = z.object({ name: z.string(), at: z.number(), expected: z.boolean() })
const spans = z.array(z.object({ origin: z.string(), after: z.number(), upTo: z.number() }))
const unreadableSpans = z.array(
  z.object({ origin: z.string(), after: z.number(), upTo: z.number(), by: z.string() })
)
/** How many values are in memory at once during a replay. */
const CHUNK = 256

/** What is in the database: of tasks only the keys. */
type Found = {
  tasks: string[]
  vector: Map<BootId, number>
  forgotten: Span[][]
  unreadable: UnreadableSpan[][]
  members: MemberRecord[]
  roster: Expected[]
  spent: Map<TaskId, number>
  settings: Map<string, number>
}

export class LevelJournal implements Journal {
  readonly #folder: DatabaseFolder
  readonly #onDamaged: (key: string, why: string) => void
  readonly #beforeWrites: () => Promise<void>
  #writing: Promise<void> | null = null
  #broken: boolean
  #reviving: Promise<void> | null = null

  /**
   * Takes over an open folder.
   *
   * @param onDamaged hears of each value that was given up
   * @param beforeWrites what has to be on disk before anything is written, if the disk was full when it was opened
   */
  constructor(
    folder: DatabaseFolder,
    onDamaged: (key: string, why: string) => void,
    beforeWrites: () => Promise<void> = async () => {}
  ) {
    this.#folder = folder
    this.#onDamaged = onDamaged
    this.#beforeWrites = beforeWrites
    this.#broken = folder.failure !== null
  }

  get failure(): Error | null {
    return this.#folder.failure
  }

  get #database(): JournalDatabase {
    return this.#folder.database
  }

  /** After a failed write LevelDB refuses all others, also once there is room again, until it is opened anew. */
  revive(): Promise<void> {
    if (!this.#broken) return Promise.resolve()
    this.#reviving ??= this.#revive().finally(() => (this.#reviving = null))
    return this.#reviving
  }

  async #revive(): Promise<void> {
    if (this.#folder.failure !== null) await this.#beforeWrites()
    await this.#folder.openAgain()
    this.#broken = false
  }

  /**
   * Looks at all values first, so that `damaged` and the vector are known; then gives out one task after the other, as
   * they are asked for. Only the keys are kept in memory. To be read before the first write.
   *
   * @throws DataFolderError if LevelDB can neither read nor repair its files
   */
  async replay(): Promise<Replay> {
    try {
      return await this.#read().catch(async (error: unknown) => {
        if (!isDamage(error)) throw error
        await this.#folder.mend((error as Error).message)
        return this.#read()
      })
    } catch (error) {
      throw this.#failure('read', error)
    }
  }

  async #read(): Promise<Replay> {
    if (this.#folder.isIncomplete) {
      await this.#trustNothing()
      await this.#folder.trust()
    }
    const found: Found = {
      tasks: [],
      vector: new Map(),
      forgotten: [],
      unreadable: [],
      members: [],
      roster: [],
      spent: new Map(),
      settings: new Map()
    }
    const damaged: string[] = []
    await this.#scan((key, sealed) => {
      const why = take(found, key, sealed)
      if (why === null) return
      this.#onDamaged(key, why)
      if (!BESIDE_THE_LOG.some(kind => key.startsWith(kind))) damaged.push(key)
    })
    if (damaged.length > 0) {
      await this.#trustNothing(damaged)
      found.vector.clear()
      found.forgotten.length = 0
      found.unreadable.length = 0
    }
    const tasks = this.#tasks(found.tasks)
    const forgotten = found.forgotten.flat()
    const unreadable = found.unreadable.flat()
    const floor = found.settings.get(FLOOR) ?? 0
    return { ...found, tasks, forgotten, unreadable, floor, damaged: damaged.length }
  }

  /** Nothing counts as merged, pruned or unreadable any more, and these values are given up. */
  async #trustNothing(damaged: readonly string[] = []): Promise<void> {
    // Into a copy it would be written for nothing.
    if (this.failure !== null) throw this.failure
    const keys = [...damaged]
    for (const kind of [VECTOR, FORGOTTEN, UNREADABLE]) {
      keys.push(...(await this.#database.keys({ gte: kind, lt: kind + END }).all()))
    }
    await this.#database.batch(
      keys.map(key => ({ type: 'del', key })),
      { sync: true }
    )
  }

  /** @throws DataFolderError: the disk is full, or broken. Nothing of the flush counts */
  async write(flush: Flush): Promise<void> {
    assert(this.#writing === null, 'one flush is written at a time')
    const operations: Operation[] = [
      ...flush.tasks.map(putTask),
      ...Array.from(flush.vector, ([boot, number]) => put(VECTOR + boot, Buffer.from(`${number}`))),
      ...Array.from(flush.forgotten, ([boot, known]) => putSpans(FORGOTTEN + boot, known)),
      ...Array.from(flush.unreadable ?? [], ([boot, known]) => putSpans(UNREADABLE + boot, known)),
      ...flush.members.map(member =>
        put(MEMBER + nodeOf(member.boot), Buffer.from(JSON.stringify(member)))
      ),
      ...flush.roster.map(entry => put(ROSTER + entry.name, Buffer.from(JSON.stringify(entry)))),
      ...flush.removed.map((id): Operation => ({ type: 'del', key: TASK + id })),
      ...(flush.dropped?.members ?? []).map((node): Operation => ({
        type: 'del',
        key: MEMBER + node
      })),
      ...(flush.dropped?.roster ?? []).map((name): Operation => ({
        type: 'del',
        key: ROSTER + name
      })),
      ...Array.from(flush.spent, ([id, end]) => putSpent(SPENT + id, end)),
      ...(flush.floor === undefined ? [] : [put(SETTING + FLOOR, Buffer.from(`${flush.floor}`))])
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

  async #batch(operations: Operation[]): Promise<void> {
    await this.revive()
    // Piece by piece: a list of operations is copied twice on its way, which takes twice the time.
    const batch = this.#database.batch()
    for (const operation of operations) {
      if (operation.type === 'put') batch.put(operation.key, operation.value)
      else batch.del(operation.key)
    }
    await batch.write({ sync: true })
  }

  /** One entry stands for a retired boot and all older ones of its node. That the older ones go later does no harm. */
  async #forgetOlder(vector: Flush['vector']): Promise<void> {
    for (const [boot, upTo] of vector) {
      if (upTo !== RETIRED) continue
      await this.#database.clear({ gte: `${VECTOR}${nodeOf(boot)}/`, lt: VECTOR + boot })
    }
  }

  /** Waits for a write under way. */
  async close(): Promise<void> {
    await this.#writing?.catch(() => {})
    await this.#reviving?.catch(() => {})
    await this.#folder.close()
  }

  *#tasks(keys: readonly string[]): Iterable<StoredTask> {
    for (const key of keys) {
      const sealed = this.#database.getSync(key)
      const decoded = decodeStored(unseal(key, sealed ?? Buffer.alloc(0)) ?? Buffer.alloc(0))
      if (!decoded.ok) throw this.#failure('read', damagedError(key))
      yield decoded.task
    }
    void this.#folder.forgetCopy()
  }

  async #scan(visit: (key: string, sealed: Uint8Array) => void): Promise<void> {
    const iterator = this.#database.iterator({ fillCache: false })
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

function putSpans(key: string, known: readonly Span[]): Operation {
  return known.length === 0 ? { type: 'del', key } : put(key, Buffer.from(JSON.stringify(known)))
}

function putSpent(key: string, end: number): Operation {
  return end === 0 ? { type: 'del', key } : put(key, Buffer.from(`${end}`))
}

/** Adds a value to what was found. Returns why it is damaged, or null. */
function take(found: Found, key: string, sealed: Uint8Array): string | null {
  const bytes = unseal(key, sealed)
  if (bytes === null) return 'its checksum is wrong'
  const name = key.slice(TASK.length)
  switch (key.slice(0, TASK.length)) {
    case TASK: {
      const decoded = decodeStored(bytes)
      if (decoded.ok) found.tasks.push(key)
      return decoded.ok ? null : decoded.why
    }
    case VECTOR:
      return takeNumber(found.vector, name, bytes)
    case SPENT:
      return takeNumber(found.spent, name, bytes)
    case SETTING:
      return takeNumber(found.settings, name, bytes)
    case FORGOTTEN:
      return takeJson(found.forgotten, bytes, spans)
    case UNREADABLE:
      return takeJson(found.unreadable, bytes, unreadableSpans)
    case MEMBER:
      return takeJson(found.members, bytes, memberRecord)
    case ROSTER:
      return takeJson(found.roster, bytes, expected)
    default:
      // Its seal is whole, so a later version has written it, for itself.
      return null
  }
}

function takeNumber(found: Map<string, number>, name: string, bytes: Uint8Array): string | null {
  const number = Number(Buffer.from(bytes).toString())
  if (!Number.isSafeInteger(number)) return 'it is no number'
  found.set(name, number)
  return null
}

function takeJson<T>(found: T[], bytes: Uint8Array, form: z.ZodType<T>): string | null {
  const { success, data } = form.safeParse(JSON.parse(Buffer.from(bytes).toString()))
  if (!success) return 'it has another form'
  found.push(data)
  return null
}

/** LevelDB shows a value to who reads all of them, and does not find it by its key. */
function damagedError(key: string): Error {
  return Object.assign(new Error(`the value of ${key} is not found by its key`), {
    code: 'LEVEL_CORRUPTION'
  })
}
