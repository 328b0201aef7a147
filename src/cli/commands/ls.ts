/**
 * `hearsay ls`: tasks, newest first. JSON is passed on as it arrives; a table has to know all its rows.
 *
 * `--node` filters here, by who holds the task. Every node knows all tasks, so any one of the cluster is asked, unless
 * HEARSAY_NODE, `--data` or `--cluster` name it.
 */
import { Option, type Command } from '@commander-js/extra-typings'
import { TASK_STATES } from '../../shared/names.ts'
import type { TaskFilter, TaskView } from '../../node/api/node-api.ts'
import { parseCount } from '../numbers.ts'
import { taskTable } from '../output/print.ts'
import type { Terminal } from '../terminal.ts'
import { anyNodeVerb, openAnyClient, type Where } from '../verb.ts'

type ListOptions = Where & TaskFilter & { json?: true }

export function register(program: Command, terminal: Terminal): void {
  anyNodeVerb(program, {
    name: 'ls',
    summary: 'list tasks, newest first',
    examples: ['hearsay ls --state failed', 'hearsay ls --json | jq -r .id']
  })
    .addOption(new Option('--state <state>', 'only tasks in this state').choices(TASK_STATES))
    .option('--type <type>', 'only tasks of this type')
    .option('--tag <tag>', 'only tasks with this tag')
    .option('--node <name>', 'only tasks that this node holds, computer/instance')
    .option('--limit <count>', 'how many at most, the newest ones', parseCount)
    .action(options => list(options, terminal))
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const { json, data, cluster, ...filter } = options
  const client = await openAnyClient({ ...(data ? { data } : {}), ...(cluster ? { cluster } : {}) })
  if (json) {
    for await (const task of client.list(filter)) await terminal.json(task)
    return
  }
  const tasks: TaskView[] = []
  for await (const task of client.list(filter)) tasks.push(task)
  if (tasks.length === 0) return terminal.words('no such tasks')
  await terminal.line((await taskTable(tasks, Date.now())).join('\n'))
}
