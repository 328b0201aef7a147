/**
 * The interface that the users of hearsay asked for first, to the letter: the program runs as it was written down, with
 * nothing but a cluster key on the computer.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newKey } from '../../src/key.ts'
import { until } from '../support/until.ts'
import { endPrograms, hasPython, Python } from './python.ts'

const withPython = describe.skipIf(!hasPython())
if (!hasPython()) console.warn('skipped: there is no python3 of version 3.9 or later here')

const cli = new URL('../cli/children/cli.ts', import.meta.url).pathname

const PROGRAM = `
from distributed_computing import DistributedComputing
dc = DistributedComputing(instance_id=1, computer_id="computer-a")
dc.register_worker("computer-b-instance-3", "computer-b", 3)
dc.register_worker("computer-c-instance-5", "computer-c", 5)
def process_data(payload):
    return {"result": payload["data"].upper()}
dc.register_task_handler("process_data", process_data)
task_id = dc.create_task("process_data", {"data": "hello"}, priority=8)
dc.start_worker()
result = dc.wait_for_task(task_id)
print(result)                      # {'result': 'HELLO'}
metrics = dc.get_metrics()
print(f"Completed: {metrics['tasks_completed']}")
health = dc.check_worker_health()
status = dc.get_system_status()
dc.save_state('state.json'); dc.load_state('state.json')
`

let home: string
let env: Record<string, string>

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'hearsay-dc-'))
  env = {
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CONFIG_HOME: join(home, 'config'),
    HEARSAY_KEY: newKey(),
    HEARSAY_MDNS: 'false',
    HEARSAY_LISTEN: '/ip4/127.0.0.1/tcp/0',
    HEARSAY_PROGRAM: `${process.execPath} ${cli}`
  }
})
afterEach(async () => {
  await endPrograms()
  await rm(home, { recursive: true, force: true })
})

withPython('DistributedComputing', () => {
  test('does what was asked for, starts a node for it, and leaves with it', async () => {
    const program = new Python(
      `import os; os.chdir(${JSON.stringify(home)})\n${PROGRAM}
print([(one["name"], one["status"]) for one in health])
print(status["node"])`,
      env
    )
    expect(await program.ended(), program.stderr).toBe(0)
    expect(program.stdout).toBe(
      `{'result': 'HELLO'}\nCompleted: 1\n` +
        `[('computer-a/1', 'alive'), ('computer-b/3', None), ('computer-c/5', None)]\ncomputer-a/1\n`
    )
    expect(await readFile(join(home, 'state.json'), 'utf8')).toContain('process_data')
    const again = new Python('import hearsay; hearsay.connect(node="computer-a/1")', env)
    expect(await again.ended()).toBe(1)
    expect(again.stderr).toMatch(/NoNodeError: no node "computer-a\/1"/)
  })

  test('takes the node that runs already, and lets it run', async () => {
    const head = `from distributed_computing import DistributedComputing
import time
dc = DistributedComputing(1, "computer-a")`
    const first = new Python(`${head}; print("there"); time.sleep(600)`, env)
    await until(() => first.stdout.includes('there'), 'the node', 30_000)
    const second = new Python(`${head}; print(dc.get_system_status()["node"])`, env)
    expect(await second.ended(), second.stderr).toBe(0)
    expect(second.stdout).toBe('computer-a/1\n')
    const third = new Python('import hearsay; print(hearsay.connect().status()["node"])', env)
    expect(await third.ended(), third.stderr).toBe(0)
  })

  test('a node whose program is killed leaves by itself', async () => {
    const program = new Python(
      `from distributed_computing import DistributedComputing
import time
dc = DistributedComputing(1, "computer-a"); print("there"); time.sleep(600)`,
      env
    )
    await until(() => program.stdout.includes('there'), `the node: ${program.stderr}`, 30_000)
    program.process.kill('SIGKILL')
    await until(
      async () => {
        const look = new Python('import hearsay; hearsay.connect(node="computer-a/1")', env)
        return (await look.ended()) === 1
      },
      'the node to leave',
      30_000
    )
  })

  test.each([
    ['a computer whose name cannot be', '1, "computer a"', {}, /computer cannot be "computer a"/],
    ['a cluster without a key', '1, "computer-a"', { HEARSAY_KEY: '' }, /key/],
    ['hearsay that is not there', '1, "a"', { HEARSAY_PROGRAM: '/nowhere/hearsay' }, /nowhere/]
  ])('%s is refused in words', async (_, parameters, given, words) => {
    const program = new Python(
      `from distributed_computing import DistributedComputing
DistributedComputing(${parameters})`,
      { ...env, ...given }
    )
    expect(await program.ended()).toBe(1)
    expect(program.stderr).toMatch(words)
  })
})
