/** A handler that takes as long as it is told, and nothing of the processor. */

export type Slept = { startedAt: number; endedAt: number }

/** Waits, and tells when. */
export async function sleep(ms: number): Promise<Slept> {
  const startedAt = performance.timeOrigin + performance.now()
  await new Promise(resolve => setTimeout(resolve, ms))
  return { startedAt, endedAt: performance.timeOrigin + performance.now() }
}
