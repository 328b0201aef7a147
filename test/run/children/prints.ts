/** Runs all handlers of a file that print, and prints one line itself. */
import { createRunner } from '../../../src/run/runner.ts'

const runner = await createRunner({ files: [process.argv[2]!], concurrency: 1 })
for (const [epoch, type] of runner.handlers.filter(name => name !== 'computes').entries()) {
  const { promise, resolve } = Promise.withResolvers<void>()
  runner.onEnded(() => resolve())
  runner.start({
    taskId: 'x',
    epoch,
    attempt: 1,
    type,
    payload: '10',
    timeoutMs: null,
    pool: 'default',
    slot: 0,
    traceparent: null,
    dependencies: new Map()
  })
  await promise
}
await runner.stop()
console.log('only this')
