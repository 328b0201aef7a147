/**
 * Starts that others know of before they happen.
 */
import type { Context } from './context.ts'
import type { Entry } from './log/entry.ts'
import type { Replication } from './replication.ts'

/**
 * Calls `start` when another member has the start that was just written on disk. If nobody answers, it is called without
 * that after a while; but what may run at most once waits for as long as it takes, unless there is nobody else at all.
 *
 * @param isWanted whether the task is still to be started
 */
export function onceWitnessed(
  { log, members }: Context,
  replication: Replication,
  { record }: Entry,
  isWanted: () => boolean,
  start: () => void
): void {
  const seq = log.nextSeq - 1
  const isOnce = record.spec.delivery === 'at-most-once'
  const wait = (): void => {
    const acks = isOnce && members.present().length > 0 ? 1 : null
    replication.onceCopied(seq, acks, copies => {
      if (!isWanted()) return
      if (copies === 0 && acks === 1) wait()
      else start()
    })
  }
  replication.urge()
  wait()
}
