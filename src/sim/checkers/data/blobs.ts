/**
 * The invariants about blobs: what a handler reads is here, what is reported is in two places, what a task names can be
 * had, and what no task names is gone.
 */
import type { TaskId } from '../../../core/base/ids.ts'
import type { Effect, Run } from '../../../core/effect.ts'
import { isBlob, type BlobHash, type Content } from '../../../core/task/content.ts'
import { checkpointIn, type TaskRecord } from '../../../core/task/record.ts'
import type { History } from '../../history.ts'
import { keepersSeenBy } from '../../predicates.ts'
import { Violation } from '../../violation.ts'
import type { SimNode } from '../../world/sim-node.ts'

/** Number of this rule among the invariants. */
const INVARIANT = 12

/**
 * At every step.
 *
 * @param isAwaited whether the result of a task has to be in a second place before anybody is told of it
 */
export function checkBlobs(
  node: SimNode,
  history: History,
  effects: readonly Effect[],
  isAwaited: (id: TaskId) => boolean
): void {
  for (const effect of effects) {
    if (effect.kind === 'start') checkRun(node, effect.run)
    else if (effect.kind === 'settled' && isAwaited(effect.taskId)) {
      checkReported(node, history, effect.taskId)
    }
  }
}

/**
 * When all has calmed down, while no disk has been lost.
 *
 * @param hasLoss what a task names need not be anywhere any more
 */
export function checkBlobsAtRest(nodes: readonly SimNode[], hasLoss: boolean): void {
  const alive = nodes.filter(({ gone }) => !gone)
  for (const node of alive) {
    const named = new Set([...node.core.view.records()].flatMap(hashesOf))
    for (const hash of named) {
      if (hasLoss || alive.some(has(hash))) continue
      throw violation(`${short(hash)} is on no node that lives`)
    }
    for (const hash of node.options.disk.blobs.keys()) {
      if (!named.has(hash)) {
        throw violation(`${node.options.name} still has ${short(hash)}, which no task names`)
      }
    }
  }
}

function checkRun(node: SimNode, { taskId, payload, dependencies, checkpoint }: Run): void {
  for (const hash of hashes([payload, ...dependencies.values(), checkpoint ?? ''])) {
    if (has(hash)(node)) continue
    throw violation(`${node.options.name} starts ${taskId} without its blob ${short(hash)}`)
  }
}

/** The disk of a node that has crashed counts, for it comes back with it. */
function checkReported(node: SimNode, history: History, taskId: TaskId): void {
  const { nodes } = history
  const outcome = node.core.view.record(taskId)?.outcome
  if (outcome?.by !== node.options.boot) return
  if (outcome.reason === 'PayloadLost') return checkLost(node, history, taskId)
  for (const hash of hashes([outcome.result ?? ''])) {
    const disks = new Set(nodes.filter(has(hash)).map(({ options }) => options.disk))
    if (disks.size >= Math.min(2, keepersSeenBy(node))) continue
    throw violation(`${node.options.name} reports ${taskId}, whose result is in one place`)
  }
}

/**
 * A task may fail for want of what it reads only if some of that is on no node that lives. What it depends on may have
 * been pruned here: how that ended came along with the task, and is read from what its runs ended with.
 */
function checkLost(node: SimNode, history: History, taskId: TaskId): void {
  const { payload, dependsOn } = node.core.view.record(taskId)!.spec
  const results = dependsOn.flatMap(id => resultsOf(node, history, id))
  const alive = history.alive()
  const isThere = (hash: BlobHash): boolean => alive.some(has(hash))
  if (!hashes([payload, ...results]).every(isThere)) return
  throw violation(`${node.options.name} gives up ${taskId}, and all that it reads is there`)
}

function resultsOf(node: SimNode, { executions }: History, id: TaskId): Content[] {
  const record = node.core.view.record(id)
  if (record !== undefined) return [record.outcome?.result ?? '']
  const runs = executions.get(id) ?? []
  return runs.flatMap(run => (run.status === 'completed' ? run.result : []))
}

function hashesOf(record: TaskRecord): BlobHash[] {
  const { spec, outcome } = record
  return hashes([spec.payload, outcome?.result ?? '', checkpointIn(record)?.blob ?? ''])
}

function hashes(contents: readonly Content[]): BlobHash[] {
  return contents.filter(isBlob).map(({ hash }) => hash)
}

function has(hash: BlobHash): (node: SimNode) => boolean {
  return ({ options }) => options.disk.blobs.has(hash)
}

function violation(what: string): Violation {
  return new Violation(INVARIANT, what)
}

function short(hash: BlobHash): string {
  return `blob ${hash.slice(0, 4)}`
}
