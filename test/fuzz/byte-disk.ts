/**
 * A disk that keeps bytes, as a real one does: what goes through the codec and JSON and comes back as something else is
 * lost or changed by the next start, so it is a failure here and now.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Flush, MemberRecord, StoredTask } from '../../src/core/effect.ts'
import type { Expected } from '../../src/core/message.ts'
import { Disk } from '../../src/sim/world/disk.ts'
import type { Random } from '../../src/sim/world/random.ts'
import { decodeStored, encodeStored } from '../../src/wire/codec.ts'
import { mutatedBytes, mutatedValue } from './mutating.ts'
import type { Vocabulary } from './vocabulary.ts'

export class ByteDisk extends Disk {
  /** @throws Error if something of the flush could not be read back */
  override write(flush: Flush): void {
    const tasks = flush.tasks.map(readBack)
    for (const beside of [...flush.members, ...flush.roster, ...flush.forgotten.values()]) {
      if (isDeepStrictEqual(JSON.parse(JSON.stringify(beside)), beside)) continue
      throw new Error(`what was written is not what would be read: ${JSON.stringify(beside)}`)
    }
    for (const [boot, upTo] of flush.vector) assertNumber(boot, upTo)
    for (const [id, end] of flush.spent) assertNumber(id, end)
    super.write({ ...flush, tasks })
  }

  /**
   * Some of it is damaged, as the journal would notice: a task that cannot be read is given up, and with it the vector,
   * which claims to have it. What is known of members is as poisoned as an older version may have left it.
   */
  damage(random: Random, vocabulary: Vocabulary): void {
    for (const [id, task] of this.tasks) {
      if (!random.chance(0.1)) continue
      const decoded = decodeStored(mutatedBytes(encodeStored(task), [], random))
      if (decoded.ok) continue
      this.tasks.delete(id)
      this.vector.clear()
      this.forgotten.clear()
    }
    for (const [node, member] of this.members) {
      if (!random.chance(0.3)) continue
      const poisoned = mutatedValue(member, random, vocabulary)
      if (isMember(poisoned)) this.members.set(node, poisoned)
    }
    for (const [name, entry] of this.roster) {
      if (!random.chance(0.3)) continue
      const poisoned = mutatedValue(entry, random, vocabulary)
      if (isExpected(poisoned)) this.roster.set(name, poisoned)
    }
  }
}

function readBack(task: StoredTask): StoredTask {
  const bytes = encodeStored(task)
  const decoded = decodeStored(bytes)
  if (!decoded.ok) {
    throw new Error(`a task was written that cannot be read back: ${decoded.why}`)
  }
  if (!bytes.equals(encodeStored(decoded.task))) {
    throw new Error(`a task was written that is read back as another: ${JSON.stringify(task)}`)
  }
  return decoded.task
}

function assertNumber(name: string, value: number): void {
  if (Number.isSafeInteger(value)) return
  throw new Error(`a number was written that cannot be read back: ${name} ${value}`)
}

/** The journal gives up what has another form; what has it may say anything that earlier versions took from the wire. */
function isMember(value: unknown): value is MemberRecord {
  if (!isBag(value)) return false
  const { boot, name, addresses, departure, stopAfterIsolatedMs } = value
  const isTexts = Array.isArray(addresses) && addresses.every(each => typeof each === 'string')
  const isAlone = stopAfterIsolatedMs === null || isCount(stopAfterIsolatedMs)
  return isText(boot) && isText(name) && isTexts && isAlone && isDeparture(departure)
}

function isDeparture(value: unknown): boolean {
  if (value === null) return true
  if (!isBag(value)) return false
  const { boot, at, forgotten, upTo } = value
  const isWrite = isCount(upTo) && upTo < 2 ** 32
  return isText(boot) && isCount(at) && isWrite && typeof forgotten === 'boolean'
}

function isExpected(value: unknown): value is Expected {
  if (!isBag(value)) return false
  const { name, at, expected } = value
  return isText(name) && isCount(at) && typeof expected === 'boolean'
}

function isBag(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
