/** Who takes runs outside this process: a session, or all polls for the same types. */
import type { TaskId } from '../../core/base/ids.ts'
import type { Run } from '../../core/effect.ts'
import type { ExternalPool } from '../../ports/external.ts'
import type { LeaseId } from './lease-book.ts'

/** How many leases an owner has, and how many of them were withdrawn. */
export type LeaseCount = Readonly<{ all: number; withdrawn: number }>

export interface Owner {
  /** The name of its pool. */
  readonly name: string
  readonly types: readonly string[]
  readonly labels: ExternalPool['labels']
  /** How many slots its pool has for the core, those included in which something runs. */
  slots(leases: LeaseCount): number
  /** Whether it is over once it has no leases. */
  readonly isGoing: boolean
  /** A run has been started for it. Returns whether it is there to take it. */
  give(run: Run, leases: LeaseCount): boolean
  /** A run that waits to be taken is not wanted any more. Returns whether it waited here. */
  takeBack(taskId: TaskId, epoch: number): boolean
  /** Its worker is to stop, and to end the lease. */
  cancel(lease: LeaseId, reason: string): void
  /** It gets nothing more. */
  drain(): void
  /** It is over, now. Returns the runs that wait to be taken. */
  close(): readonly Run[]
}
