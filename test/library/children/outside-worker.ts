/**
 * A worker outside the process of a node, as a process of its own. Arguments: the node's data folder, the slots, how it
 * works, and the types. It says what happens, a line each: `connected NAME`, `task ID`, `cancel REASON`, `drain`,
 * `refused NAME`, `over`.
 *
 * How it works: `echo` returns the payload; `hold` takes tasks and ends none; `die` is killed by its first task; `late`
 * returns the payload when it gets SIGUSR2, and goes on when its node is gone; with a number, its leases last that long;
 * `save` saves the payload, says `saved`, and ends no task.
 */
import { Client } from '../../../src/api/client.ts'
import type { LeasedTask } from '../../../src/node/api/node-api.ts'

const [folder = '', slots = '1', manner = 'echo', ...types] = process.argv.slice(2)
const [how, ms] = manner.split(' ')
const leases = ms === undefined ? {} : { leaseMs: Number(ms) }
const { workers } = await Client.open({ data: folder })
const held: LeasedTask[] = []

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

async function end(task: LeasedTask): Promise<void> {
  const text =
    task.payloadBlob === null ? JSON.stringify(task.payload) : await workers.blob(task.payloadBlob)
  await workers.complete(task.lease, text)
}

process.on('SIGUSR2', () => {
  for (const task of held.splice(0)) {
    end(task).then(
      () => say('taken'),
      (error: Error) => say(`refused ${error.name}`)
    )
  }
})

try {
  for await (const line of workers.connect({ types, slots: Number(slots), ...leases })) {
    if ('worker' in line) say(`connected ${line.worker}`)
    else if ('cancel' in line) say(`cancel ${line.reason}`)
    else if ('drain' in line) say('drain')
    else if ('task' in line) {
      say(`task ${line.task}`)
      if (how === 'die') process.kill(process.pid, 'SIGKILL')
      else if (how === 'echo') void end(line).catch((error: Error) => say(`refused ${error.name}`))
      else if (how === 'save') {
        await workers.save(line.lease, JSON.stringify(line.payload))
        say('saved')
      } else held.push(line)
    }
  }
} catch (error) {
  say(`gone ${(error as Error).name}`)
}
say('over')
if (how === 'late') setInterval(() => {}, 1000)
