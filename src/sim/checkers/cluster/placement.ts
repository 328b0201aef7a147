/**
 * Invariant 16, of what is given away and told: a task goes to one node, unasked only to one that takes work; and only
 * what is on disk is told.
 */
import type { BootId, NodeId, TaskId } from '../../../core/base/ids.ts'
import type { Effect } from '../../../core/effect.ts'
import type { Input } from '../../../core/input.ts'
import type { Heartbeat, Message } from '../../../core/message.ts'
import { poolsOf } from '../../../core/claim/claim.ts'
import { isSettled, join, type TaskRecord } from '../../../core/task/record.ts'
import type { TaskSpec } from '../../../core/task/spec.ts'
import { isAble } from '../../predicates.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

const INVARIANT = 16

/** What is told is on disk, and what is given is given once. */
export class TellingChecker {
  /** "boot task epoch" -> to whom that boot gave the task. */
  readonly #given = new Map<string, NodeId>()

  /** @param effects of the step, which have not been performed yet */
  check(node: SimNode, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'send' && effect.kind !== 'publish') continue
      for (const record of recordsIn(effect.message)) checkKept(node, record)
      if (effect.kind === 'send' && effect.message.kind === 'grant') {
        for (const record of effect.message.records) this.#checkOnce(node, effect.to, record)
      }
    }
  }

  #checkOnce(node: SimNode, to: NodeId, { spec, claim }: TaskRecord): void {
    const what = `${node.options.boot} ${spec.id} ${claim.epoch}`
    const before = this.#given.get(what)
    this.#given.set(what, to)
    if (before === undefined || before === to) return
    const twice = `${node.options.name} gives ${spec.id} to ${before} and to ${to}`
    throw new Violation(INVARIANT, `${twice} at epoch ${claim.epoch}`)
  }
}

/** What is given to a node that did not ask goes to one that takes work, as far as the giver knows. */
export class PlacementChecker {
  /** Task -> whom the claim names that has been written in this step. */
  readonly #written = new Map<TaskId, BootId>()
  /** Task -> claims that have been written: whoever writes one later has been told of it. */
  readonly #known = new Map<TaskId, Set<string>>()

  /** A node has written a state of a task. */
  wrote(state: TaskRecord): void {
    const { spec, claim } = state
    const known = this.#known.get(spec.id) ?? new Set()
    this.#known.set(spec.id, known)
    const key = `${claim.epoch} ${claim.holder}`
    // What is over is given to nobody, and may be told once more; so may a key, which several nodes may hold at first.
    if (!isSettled(state) && spec.idempotencyKey === null && !known.has(key))
      this.#written.set(spec.id, claim.holder)
    known.add(key)
  }

  /** All that was written since is of this node. */
  check(node: SimNode, input: Input, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'notify' || effect.event.name !== 'task:stolen') continue
      const { taskId, from, by } = effect.event
      // Otherwise others gave it on, after they had taken it from this node.
      const isGift = from === node.options.boot && this.#written.get(taskId) === by
      if (isGift && !isAsked(node, input)) this.#checkGift(node, taskId, by)
    }
    this.#written.clear()
  }

  #checkGift({ core, now, options }: SimNode, taskId: TaskId, by: BootId): void {
    const member = core.view.members(now).find(({ heartbeat }) => heartbeat.boot === by)
    const { spec } = core.view.record(taskId)!
    const reason = member === undefined ? 'is no member' : whyNot(member.heartbeat, spec)
    if (reason === null) return
    throw new Violation(INVARIANT, `${options.name} gives ${taskId} to ${by}, which ${reason}`)
  }
}

/** Whether a thief has asked, or the node has to give away what it has: one that goes gives it to whoever stays. */
function isAsked({ core }: SimNode, input: Input): boolean {
  return core.view.self().draining || (input.kind === 'message' && input.message.kind === 'steal')
}

function whyNot(heartbeat: Heartbeat, spec: TaskSpec): string | null {
  if (heartbeat.draining) return 'drains'
  if (heartbeat.paused !== undefined) return 'is paused'
  return isAble({ pools: poolsOf(heartbeat) }, spec) ? null : 'has no pool for it'
}

function recordsIn(message: Message): readonly TaskRecord[] {
  return message.kind === 'batch' || message.kind === 'grant' ? message.records : []
}

function checkKept(node: SimNode, record: TaskRecord): void {
  const kept = node.options.disk.tasks.get(record.spec.id)?.record
  if (kept !== undefined && (kept === record || join(kept, record) === kept)) return
  const what = `${node.options.name} tells of ${record.spec.id}`
  throw new Violation(INVARIANT, `${what} what is not on its disk`)
}
