/**
 * What is no malformed message but a lie: members trust each other (README, "What it does not do"), so whoever has the key
 * is believed what only it can know, and what no signature proves. A node that lies about what a live node has written
 * makes others miss it; one that orders a node to drain has it drained. After such words nothing is promised but that
 * nobody crashes, nobody grows without bound, and all is well again once everybody has started anew.
 *
 * Everything else, however malformed, must not keep the nodes from working together at any time.
 */
import {
  nodeOf,
  startTimeOf,
  type BootId,
  type NodeId,
  type TaskId
} from '../../src/core/base/ids.ts'
import type { Batch, Departure, Forgotten, Heartbeat, Message } from '../../src/core/message.ts'
import type { TaskRecord } from '../../src/core/task/record.ts'

/** The nodes of the cluster, as they really are. */
export type Truth = Readonly<{
  nowMs: number
  /** Node -> its boot that runs, or ran last. */
  boots: ReadonlyMap<NodeId, BootId>
  names: ReadonlySet<string>
  /** The task that a write of a boot that runs changed. */
  writtenBy: (origin: BootId, seq: number) => TaskId | undefined
}>

/** Clocks of a cluster differ by less; whoever names a later start names none. */
const CLOCKS_MS = 86_400_000

type Judge<M> = (from: NodeId, message: M, truth: Truth) => boolean

const ofItself: Judge<{ boot: BootId }> = (from, { boot }, truth) =>
  truth.boots.has(from) && isOwn(boot, truth)

/** Of other kinds nothing is believed that matters. */
const JUDGES: { readonly [K in Message['kind']]?: Judge<Extract<Message, { kind: K }>> } = {
  heartbeat: isFalseHeartbeat,
  introduction: (from, { heartbeat }, truth) => isFalseHeartbeat(from, heartbeat, truth),
  batch: (_from, batch, truth) => isFalseBatch(batch, truth),
  forgotten: (_from, message, truth) => isFalselyForgotten(message, truth),
  grant: (_from, { records, dependencies }, truth) =>
    [...records, ...dependencies].some(each => isMisdated(each, truth)),
  found: (_from, { records }, truth) => records.some(each => isMisdated(each, truth)),
  drain: (_from, { boot }, truth) => isOwn(boot, truth),
  steal: (from, _message, truth) => truth.boots.has(from),
  goodbye: ofItself,
  ack: ofItself,
  kept: ofItself,
  farewell: ofItself
}

/** Whether a message is believed by design, although it is not true. */
export function isLie(from: NodeId, message: Message, truth: Truth): boolean {
  const judge = JUDGES[message.kind] as Judge<Message> | undefined
  return judge?.(from, message, truth) ?? false
}

/** A node speaks of itself, or takes the name of another, or says that a live boot has left. */
function isFalseHeartbeat(from: NodeId, heartbeat: Heartbeat, truth: Truth): boolean {
  const node = nodeOf(heartbeat.boot)
  if (node === from && (truth.boots.has(from) || truth.names.has(heartbeat.name))) return true
  return heartbeat.departures.some(each => isFalseDeparture(each, truth))
}

function isFalseDeparture({ boot }: Departure, truth: Truth): boolean {
  return truth.boots.has(nodeOf(boot)) && isConceivable(boot, truth)
}

function isFalseBatch(batch: Batch, truth: Truth): boolean {
  return isOwn(batch.origin, truth) || batch.records.some(each => isMisdated(each, truth))
}

function isFalselyForgotten({ spans, boots }: Forgotten, truth: Truth): boolean {
  const named = [...spans.map(({ origin }) => origin), ...boots]
  return named.some(boot => truth.boots.has(nodeOf(boot)) && isConceivable(boot, truth))
}

/** A task that was created, it is said, by a write of a live boot that was about something else. */
function isMisdated({ spec, created }: TaskRecord, truth: Truth): boolean {
  return created.some(
    ({ origin, seq }) => isOwn(origin, truth) && truth.writtenBy(origin, seq) !== spec.id
  )
}

function isOwn(boot: BootId, { boots }: Truth): boolean {
  return boots.get(nodeOf(boot)) === boot
}

/** Not before the one that runs, and not beyond all clocks: nobody can tell such a start from a true one. */
function isConceivable(boot: BootId, { boots, nowMs }: Truth): boolean {
  const current = boots.get(nodeOf(boot)) ?? ''
  return boot >= current && startTimeOf(boot) <= (nowMs + CLOCKS_MS) * 1000
}
