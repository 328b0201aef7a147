/**
 * `hearsay ls`: tasks, newest first. JSON is passed on as it arrives; a table has to know all its rows.
 *
 * `--node` filters here, by who holds the task. Every node knows all tasks, so any one of the cluster is asked, unless
 * HEARSAY_NODE, `--data` or `--cluster` name it.
 */
import { Option, type Command } from '@commander-js/extra-typings'
import { TASK_STATES } from '../../names.ts'
import type { TaskFilter, TaskView } from '../../node/handle.ts'
import { parseCount } from '../numbers.ts'
import { taskTable } from '../print.ts'
import type { Terminal } from '../terminal.ts'
import {
  clusterOption,
  dataOption,
  examples,
  jsonOption,
  openClient,
  type Where
} from '../where.ts'

type ListOptions = Where & TaskFilter & { json?: true }

export function registerLs(program: Command, terminal: Terminal): void {
  program
    .command('ls')
    .description('list tasks, newest first')
    .addOption(new Option('--state <state>', 'only tasks in this state').choices(TASK_STATES))
    .option('--type <type>', 'only tasks of this type')
    .option('--tag <tag>', 'only tasks with this tag')
    .option('--node <name>', 'only tasks that this node holds, computer/instance')
    .option('--limit <count>', 'the newest so many', parseCount)
    .addOption(jsonOption())
    .addOption(dataOption())
    .addOption(clusterOption())
    .addHelpText('after', examples('hearsay ls --state failed', 'hearsay ls --json | jq -r .id'))
    .action(options => list(options, terminal))
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const { json, data, cluster, ...filter } = options
  const { HEARSAY_NODE: node = '' } = process.env
  const client = await openClient({ node, data: data ?? '', cluster: cluster ?? '', any: true })
  if (json) {
    for await (const task of client.list(filter)) await terminal.json(task)
    return
  }
  const tasks: TaskView[] = []
  for await (const task of client.list(filter)) tasks.push(task)
  if (tasks.length === 0) return terminal.words('no such tasks')
  await terminal.line(taskTable(tasks, Date.now()).join('\n'))
}
