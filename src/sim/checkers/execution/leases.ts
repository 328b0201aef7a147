/**
 * Invariant 17: each attempt by a worker outside the process ends once, and nothing that a worker says of a lease is
 * taken once that has ended, by whatever; by the checker's own account of it.
 */
import type { BootId } from '../../../core/base/ids.ts'
import type { Run } from '../../../core/effect.ts'
import type { Lease } from '../../../run/external/lease-book.ts'
import { Violation } from '../../violation.ts'

export class LeaseChecker {
  /** "boot task epoch" of runs that have ended, and how. */
  readonly #ended = new Map<string, string>()

  /** A run by a worker has ended for its node. */
  ended(boot: BootId, run: Run, how: string): void {
    const key = keyOf(boot, run)
    const before = this.#ended.get(key)
    if (before !== undefined) {
      throw new Violation(17, `${key} has ended as ${how}, after it had as ${before}`)
    }
    this.#ended.set(key, how)
  }

  /** A worker has said how a run ended. */
  told(boot: BootId, { run }: Lease, answer: string): void {
    const before = this.#ended.get(keyOf(boot, run))
    if (answer === 'taken' && before !== undefined) {
      throw new Violation(17, `${keyOf(boot, run)} is taken, after it had ended as ${before}`)
    }
    if (answer === 'again' && before === undefined) {
      throw new Violation(17, `${keyOf(boot, run)} is said to have been taken, and was not`)
    }
  }

  /** The node has stopped it. */
  aborted(boot: BootId, run: Pick<Run, 'taskId' | 'epoch'>): void {
    const key = keyOf(boot, run)
    if (!this.#ended.has(key)) this.#ended.set(key, 'stopped')
  }
}

function keyOf(boot: BootId, { taskId, epoch }: Pick<Run, 'taskId' | 'epoch'>): string {
  return `${boot} ${taskId} ${epoch}`
}
