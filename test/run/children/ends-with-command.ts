/** Runs a command that writes its number to the file of the argument, and ends without stopping it. */
import { existsSync } from 'node:fs'
import { createRunner } from '../../../src/run/runner.ts'
import { until } from '../../support/until.ts'

const file = process.argv[2]!
const runner = await createRunner({ commands: true, concurrency: 1 })
const payload = JSON.stringify({ argv: [`echo $$ >${file}; sleep 60`], shell: true })
const run = { taskId: 'task', epoch: 0, attempt: 1, timeoutMs: null, dependencies: new Map() }
runner.start({ ...run, type: 'command', payload })
await until(() => existsSync(file), 'the command to run')
process.exit(0)
