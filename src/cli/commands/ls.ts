/**
 * `hearsay ls`: tasks, newest first if nothing else is asked for. JSON is passed on as it arrives; a table has to know
 * all its rows.
 *
 * `--node` filters here, by who holds the task. Every node knows all tasks, so any one of the cluster is asked, unless
 * HEARSAY_NODE, `--data` or `--cluster` name it.
 */
import { InvalidArgumentError, type Command } from '@commander-js/extra-typings'
import { TASK_SORTS, type TaskSort } from '../../shared/names.ts'
import type { TaskQuery, TaskView } from '../../node/api/node-api.ts'
import { filterFlags } from '../filter-flags.ts'
import { parseCount } from '../numbers.ts'
import { taskTable } from '../output/print.ts'
import { sayUnmatched } from '../output/unmatched.ts'
import type { Terminal } from '../terminal.ts'
import { anyNodeVerb, openAnyClient, type Where } from '../verb.ts'

const FIELDS = TASK_SORTS.filter(sort => !sort.startsWith('-')).join(', ')

type ListOptions = Where & TaskQuery & { json?: true }

export function register(program: Command, terminal: Terminal): void {
  const ls = anyNodeVerb(program, {
    name: 'ls',
    summary: 'list tasks, newest first',
    examples: [
      'hearsay ls --state failed --since 2h',
      'hearsay ls --q "resize timeout" --sort -durationMs --limit 20',
      'hearsay ls --json | jq -r .id'
    ],
    notes: [`Fields to sort by: ${FIELDS}.`]
  })
  filterFlags(ls)
    .option('--node <name>', 'only tasks that this node holds, computer/instance')
    .option('--sort <field>', 'in this order; with "-" before it the other way round', parseSort)
    .option('--limit <count>', 'how many at most, the first ones', parseCount)
    .action(options => list(options, terminal))
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const { json, data, cluster, ...query } = options
  const client = await openAnyClient(
    { ...(data ? { data } : {}), ...(cluster ? { cluster } : {}) },
    terminal
  )
  const tasks: TaskView[] = []
  let isEmpty = true
  for await (const task of client.list(query)) {
    isEmpty = false
    if (json) await terminal.json(task)
    else tasks.push(task)
  }
  if (isEmpty) {
    const isSaid = await sayUnmatched(client, query, terminal)
    if (!isSaid && !json) terminal.words('no such tasks')
  }
  if (tasks.length > 0) await terminal.line((await taskTable(tasks, Date.now())).join('\n'))
}

function parseSort(text: string): TaskSort {
  const sort = TASK_SORTS.find(each => each === text)
  if (sort !== undefined) return sort
  throw new InvalidArgumentError(`It has to be one of ${FIELDS}.`)
}
