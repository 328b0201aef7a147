/**
 * The task of all benchmarks, for whoever runs it. Plain JavaScript, as everything in a worker: stripping types would be
 * part of its memory and of its start.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Takes as long as it is told, and says how long that was.
 *
 * @param {import('../order.ts').Task} task
 * @returns {Promise<import('../order.ts').Ran>}
 */
export async function task({ id, ms }) {
  const startedAt = performance.now()
  if (ms > 0) await sleep(ms)
  return { id, ranMs: performance.now() - startedAt }
}
