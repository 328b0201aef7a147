/**
 * Names of nodes, boots and tasks.
 *
 * A node keeps its id for life; every start of it is a new boot. A boot's name begins with its node's id
 * and ends in (start time, random), written with a fixed width, so that comparing two boots of one node as
 * text compares them in the order in which they started.
 */
import { assert } from './assert.ts'
import { STAMP_MAX, type Hlc } from './hlc.ts'

/** A libp2p peer id in text form. */
export type NodeId = string
/** `<node id>/<start time, base 36>-<random, base 36>`. */
export type BootId = string
/** A UUIDv8 in its usual text form, 36 characters. */
export type TaskId = string

/** Microseconds need 10 digits in base 36 until the year 2085 (STAMP_MAX, hlc.ts). */
const BOOT_TIME_DIGITS = 10
const BOOT_RANDOM_DIGITS = 6
/**
 * The last write that a boot can make: 12 + 2 + 28 bits of a task's id are free for it. A million a second for 50 days.
 */
export const SEQ_MAX: number = 2 ** 42 - 1

/**
 * Names a boot.
 *
 * @param random an integer below 36^6, from outside: the core has no dice of its own
 */
export function bootId(node: NodeId, startedAt: Hlc, random: number): BootId {
  assert(!node.includes('/'), 'a node id has no slash')
  assert(startedAt >= 0 && startedAt <= STAMP_MAX, 'a start lies in the range of stamps')
  const time = startedAt.toString(36).padStart(BOOT_TIME_DIGITS, '0')
  const dice = random.toString(36).padStart(BOOT_RANDOM_DIGITS, '0')
  return `${node}/${time}-${dice}`
}

/** When a boot started, as its name says. */
export function startTimeOf(boot: BootId): Hlc {
  return Number.parseInt(boot.slice(boot.indexOf('/') + 1), 36)
}

/** What tells a boot from the others of its node, for people: the end of its name. */
export function bootName(boot: BootId): string {
  return boot.slice(boot.indexOf('/') + 1)
}

/** Nodes of boots, kept because looking up a text that was just cut out of another costs its hash, each time. */
const nodes = new Map<BootId, NodeId>()
/** Twice as many as a version vector may have, so that a walk through one finds them all. 6 MB then. */
const NODES_MAX = 32_768

/** The node that a boot is a start of. */
export function nodeOf(boot: BootId): NodeId {
  let node = nodes.get(boot)
  if (node !== undefined) return node
  const slash = boot.indexOf('/')
  node = slash < 0 ? boot : boot.slice(0, slash)
  if (nodes.size === NODES_MAX) nodes.clear()
  nodes.set(boot, node)
  return node
}

/**
 * Names a task after its creation: the time (so that ids sort by age), the boot that created it and the
 * number of that write in the boot's log (so that a version vector tells "pruned" from "never seen").
 *
 * Layout: 48 bits of milliseconds, version 8, 42 bits of sequence round the variant, 32 bits of boot tag.
 */
export function taskId(ms: number, boot: BootId, seq: number): TaskId {
  assert(ms >= 0 && seq >= 0 && seq <= SEQ_MAX, 'time and sequence of a task fit into its id')
  const time = hex(Math.floor(ms), 12)
  const high = hex(Math.floor(seq / 2 ** 30), 3)
  const variant = hex(8 + (Math.floor(seq / 2 ** 28) % 4), 1)
  const low = hex(seq % 2 ** 28, 7)
  return `${time.slice(0, 8)}-${time.slice(8)}-8${high}-${variant}${low.slice(0, 3)}-${low.slice(3)}${hex(tagOf(boot), 8)}`
}

/**
 * The id of the task that an idempotency key names, the same wherever it is submitted. Its place for the sequence holds
 * 0, which no write of a boot has: nothing can be told from it about who created the task.
 *
 * @param digest of the key: at least 20 hexadecimal digits
 */
export function keyedTaskId(digest: string): TaskId {
  const part = (from: number, to: number): string => digest.slice(from, to)
  return `${part(0, 8)}-${part(8, 12)}-8000-8000-0000${part(12, 20)}`
}

/**
 * What a task's id says of its creation: which write it was (0 if it is not said), and the tag of the boot that made
 * it.
 */
export function creationOf(id: TaskId): { tag: number; seq: number } {
  const part = (from: number, to: number): number => Number.parseInt(id.slice(from, to), 16)
  const high = part(15, 18) * 2 ** 30
  const middle = (part(19, 20) - 8) * 2 ** 28
  const low = part(20, 23) * 2 ** 16 + part(24, 28)
  return { tag: part(28, 36), seq: high + middle + low }
}

/** The tag by which ids name a boot. */
export function tagOf(boot: BootId): number {
  return hash32(boot)
}

/** FNV-1a with a final mix (murmur3's), over UTF-16 code units. The same on every node, for ever. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
