/**
 * Runs a command that writes its number to the file of the first argument, and ends without stopping it: by itself, or by
 * the signal of the second argument.
 */
import { existsSync } from 'node:fs'
import { createRunner } from '../../../src/run/runner.ts'
import { until } from '../../support/until.ts'

const file = process.argv[2]!
const runner = await createRunner({ commands: true, concurrency: 1 })
const payload = JSON.stringify({ argv: [`echo $$ >${file}; sleep 60`], shell: true })
const run = {
  taskId: 'task',
  epoch: 0,
  attempt: 1,
  timeoutMs: null,
  traceparent: null,
  dependencies: new Map(),
  pool: 'default',
  slot: 0
}
runner.start({ ...run, type: 'command', payload })
await until(() => existsSync(file), 'the command to run')
const signal = process.argv[3]
if (signal !== undefined) process.kill(process.pid, signal)
else process.exit(0)
