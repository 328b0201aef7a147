/**
 * Invariant 26: a run goes on from what an attempt before it saved, and from nothing older than what such an attempt was
 * told to stand.
 *
 * That holds as long as a task runs in one place: of what was saved on one side of a cut, or on a disk that is lost, the
 * other side may know nothing. Nor is anything demanded of what was answered without a second place.
 */
import type { BootId, TaskId } from '../../../core/base/ids.ts'
import type { Effect, Run } from '../../../core/effect.ts'
import type { BlobRef } from '../../../core/task/content.ts'
import type { History } from '../../history.ts'
import { isAlone } from '../../predicates.ts'
import { Violation } from '../../violation.ts'
import type { SimNode } from '../../world/sim-node.ts'
import type { SaveObserver } from '../../world/sim-saves.ts'

type Save = Readonly<{ epoch: number; number: number; blob: BlobRef }>

export class CheckpointChecker implements SaveObserver {
  readonly #history: History
  /** Task -> what its runs saved, in that order. */
  readonly #saves = new Map<TaskId, Save[]>()
  /** Task -> of what its runs were told to stand, the last. */
  readonly #standing = new Map<TaskId, Save>()

  constructor(history: History) {
    this.#history = history
  }

  saved({ taskId, epoch }: Run, blob: BlobRef): void {
    const saves = this.#saves.get(taskId) ?? []
    this.#saves.set(taskId, [...saves, { epoch, number: saves.length, blob }])
  }

  answered(
    boot: BootId,
    { taskId }: Run,
    { hash }: BlobRef,
    { isTaken, short }: Readonly<{ isTaken: boolean; short: boolean }>
  ): void {
    if (!isTaken || short || this.#isExcused(taskId)) return
    const node = this.#history.alive().find(({ options }) => options.boot === boot)
    if (node === undefined || isAlone(node)) return
    const save = this.#saves.get(taskId)!.find(({ blob }) => blob.hash === hash)!
    const before = this.#standing.get(taskId)
    if (before === undefined || isAbove(save, before)) this.#standing.set(taskId, save)
  }

  check(node: SimNode, effects: readonly Effect[]): void {
    for (const effect of effects) if (effect.kind === 'start') this.#started(node, effect.run)
  }

  #started(node: SimNode, { taskId, epoch, checkpoint }: Run): void {
    const what = `${node.options.name} starts ${taskId} at epoch ${epoch}`
    const saves = this.#saves.get(taskId) ?? []
    const given = saves.find(({ blob }) => blob.hash === checkpoint?.hash)
    if (checkpoint !== undefined && given === undefined) {
      throw new Violation(26, `${what} from what no run of it saved`)
    }
    if (given !== undefined && given.epoch >= epoch) {
      throw new Violation(26, `${what} from what a run saved at epoch ${given.epoch}`)
    }
    const standing = this.#standing.get(taskId)
    if (standing === undefined || this.#isExcused(taskId) || standing.epoch >= epoch) return
    if (given === undefined || isAbove(standing, given)) {
      const from = given === undefined ? 'nothing' : `save ${given.number} of epoch ${given.epoch}`
      throw new Violation(
        26,
        `${what} from ${from}, and save ${standing.number} of epoch ${standing.epoch} stands`
      )
    }
  }

  #isExcused(id: TaskId): boolean {
    return this.#history.isApart(id) || this.#history.hasLoss
  }
}

function isAbove(x: Save, y: Save): boolean {
  return x.epoch > y.epoch || (x.epoch === y.epoch && x.number > y.number)
}
