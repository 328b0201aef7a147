/**
 * What holds when all has calmed down: everything has settled (invariant 2), all replicas are equal (1) and name
 * outcomes that some run produced (4), and what has settled is pruned (10).
 */
import { nodeOf } from '../../core/base/ids.ts'
import { compareValues } from '../../core/base/order.ts'
import { RETIRED } from '../../core/base/version-vector.ts'
import { isSettled, type TaskRecord } from '../../core/task/record.ts'
import {
  haveEqualVectors,
  isAble,
  lacks,
  lasting,
  seesMajority,
  show,
  waitsForLost
} from '../predicates.ts'
import type { SimNode } from '../world/sim-node.ts'
import { Violation } from '../violation.ts'
import type { History } from '../history.ts'
import { checkProduced } from './execution/outcomes.ts'

/**
 * @param settledMax how many settled tasks are kept in the end
 * @param forgets whether none of them is kept: all go before the run ends
 */
export function checkCalm(history: History, settledMax: number, forgets: boolean): void {
  const [first, ...others] = history.alive()
  if (first === undefined) return
  checkSettled(history, first)
  if (seesMajority(first)) {
    checkRetention(first, forgets ? 0 : settledMax)
    if (forgets) checkClosing(history, first)
  }
  for (const node of others) checkEqual(first, node)
}

/** What was accepted is not lost, unless its only copy was. */
export function checkAccepted(history: History): void {
  const { accepted, settled } = history
  const alive = history.alive()
  const [first] = alive
  if (first === undefined) return
  const disks = new Set(alive.map(({ options }) => options.disk))
  for (const [id, onlyCopy] of accepted) {
    if (onlyCopy !== null && !disks.has(onlyCopy)) continue
    if (first.core.view.record(id) === undefined && !settled.has(id)) {
      throw new Violation(2, `${id} was accepted and is lost`)
    }
  }
}

function checkSettled(history: History, node: SimNode): void {
  for (const record of node.core.view.records()) {
    const { spec } = record
    if (isSettled(record)) {
      checkProduced(history, node, record)
      continue
    }
    const runnable = history.alive().some(other => isAble(other, spec))
    const blocked = spec.dependsOn.some(id => waitsForLost(node, id))
    const isLeft = waitsForDeparted(history, node, record) || isLeftToUser(history, record)
    if (runnable && !blocked && !isLeft)
      throw new Violation(2, `${show(node, record)} has never settled`)
  }
}

/**
 * Whether a task that may run at most once waits for a node that has left, where all that had heard it have lost their
 * disks: to those who are there it has crashed, and may have started the task, until somebody says to forget it.
 */
function waitsForDeparted(history: History, node: SimNode, { spec }: TaskRecord): boolean {
  if (spec.delivery !== 'at-most-once' || !history.hasLoss) return false
  const there = new Set(history.alive().map(({ id }) => id))
  return node.core.view
    .members(node.now)
    .some(({ status, heartbeat }) => status === 'crashed' && !there.has(nodeOf(heartbeat.boot)))
}

/**
 * What may run at most once waits for a user to say that its holder is gone, if all that ever met that one are lost
 * themselves: it may still run there.
 */
function isLeftToUser(history: History, { spec, claim }: TaskRecord): boolean {
  const holder = nodeOf(claim.holder)
  const isMet = history
    .alive()
    .some(({ id, options }) => id === holder || options.disk.members.has(holder))
  return spec.delivery === 'at-most-once' && !isMet
}

/**
 * What one of two nodes keeps only because a third may come back, the other need not: of one that crashed before it
 * came it may never have heard. Where both have a task, it is the same one.
 */
function checkEqual(first: SimNode, node: SimNode): void {
  const both = `${first.options.name} and ${node.options.name}`
  if (!haveEqualVectors(first, node)) throw new Violation(1, `${both} differ in their vectors`)
  const lacking = lacks(first, node) ?? lacks(node, first)
  if (lacking !== undefined) throw new Violation(1, `${both} know different tasks: ${lacking}`)
  for (const record of first.core.view.records()) {
    const other = node.core.view.record(record.spec.id)
    if (other === undefined || compareValues(record, other) === 0) continue
    throw new Violation(
      1,
      `${record.spec.id} differs: ${show(first, record)}, ${show(node, other)}`
    )
  }
}

/** What has settled is pruned in the end, also if no node is left that knows how it was created. */
function checkRetention(node: SimNode, max: number): void {
  const kept = lasting(node).filter(isSettled)
  if (kept.length <= max) return
  const more = max === 0 ? '' : `, beside ${max} others`
  throw new Violation(10, `${show(node, kept[0]!)} is kept for ever${more}`)
}

/**
 * Boots that have ended do not stay in the vectors, once nothing of theirs is left; nor anything of them with nodes
 * that have crashed and may come back. That a boot left is not known any more where all that had heard it have lost
 * their disks.
 */
function checkClosing(history: History, node: SimNode): void {
  if (node.core.view.members(node.now).some(({ status }) => status === 'crashed')) return
  const isKept = [...node.core.view.records()].some(({ spec }) => spec.idempotencyKey !== null)
  if (isKept || lasting(node).length > 0) return
  const current = new Map(history.alive().map(({ id, options }) => [id, options.boot]))
  for (const [boot, upTo] of node.core.view.mergedVector()) {
    const newest = current.get(nodeOf(boot))
    // What no node could read has not been pruned.
    if (node.core.view.unreadable().some(({ origin }) => origin === boot)) continue
    if (upTo !== RETIRED && newest !== undefined && boot < newest) {
      throw new Violation(10, `${node.options.name} keeps the old boot ${boot} for ever`)
    }
  }
}
