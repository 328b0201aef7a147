/**
 * Invariant 19: an acknowledgement that says how many others have the task is true at that moment, and says no less
 * than what was asked for, unless it says that, too.
 */
import type { Effect } from '../../../core/effect.ts'
import type { Input } from '../../../core/input.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'
import type { History } from '../../history.ts'

type Accepted = Extract<Effect, { kind: 'accepted' }>

export class CopyChecker {
  readonly #history: History
  /** "boot request" -> how many copies were asked for. */
  readonly #asked = new Map<string, number | null>()

  constructor(history: History) {
    this.#history = history
  }

  /** @param effects of the step, which have not been performed yet */
  check(node: SimNode, input: Input, effects: readonly Effect[]): void {
    if (input.kind === 'submit') {
      this.#asked.set(`${node.options.boot} ${input.request}`, input.acks)
    }
    for (const effect of effects) if (effect.kind === 'accepted') this.#accepted(node, effect)
  }

  #accepted(node: SimNode, { request, taskId, acks, short, deduplicated }: Accepted): void {
    if (deduplicated === 'forgotten') return
    const what = `${node.options.name} accepts ${taskId}`
    const asked = this.#asked.get(`${node.options.boot} ${request}`) ?? 1
    if (!short && acks < asked) throw new Violation(19, `${what} with ${acks} copies of ${asked}`)
    // What has settled may have been pruned meanwhile.
    if (this.#history.settled.has(taskId)) return
    const { disk } = node.options
    if (!disk.tasks.has(taskId)) throw new Violation(19, `${what}, which is not on its disk`)
    // One that was lost a moment ago counts: nobody can have heard of that yet.
    const disks = new Set(this.#history.nodes.map(({ options }) => options.disk))
    disks.delete(disk)
    const others = [...disks].filter(({ tasks }) => tasks.has(taskId)).length
    if (others >= acks) return
    throw new Violation(19, `${what}, which is on ${others} other disks, not on ${acks}`)
  }
}
