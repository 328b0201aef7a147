/**
 * `hearsay state`: writes all tasks of the cluster to a file, and takes them in again.
 *
 * The file is read and written here, as the user who asks and in the folder where that was asked; the node only hands
 * out text and takes it.
 */
import type { Command } from '@commander-js/extra-typings'
import type { Terminal } from '../terminal.ts'
import {
  clusterOption,
  dataOption,
  examples,
  jsonOption,
  nodeOption,
  openClient,
  type Where
} from '../where.ts'

type Options = Where & { json?: true }

/** The first line of a file and its last are no tasks. */
const LINES_AROUND = 2

export function registerState(program: Command, terminal: Terminal): void {
  const state = program
    .command('state')
    .description('save all tasks to a file, and load them from it')
    .addHelpText(
      'after',
      examples('hearsay state save tasks.json', 'hearsay state load tasks.json')
    )
  state
    .command('save')
    .description('write all tasks that the node knows to a file')
    .argument('<file>', 'where to; an existing file is replaced when the new one is complete')
    .addOption(jsonOption())
    .addOption(dataOption())
    .addOption(nodeOption())
    .addOption(clusterOption())
    .addHelpText('after', examples('hearsay state save tasks.json --node computer-a/1'))
    .action((file, options) => save(file, options, terminal))
  state
    .command('load')
    .description('take in the tasks of a file; doing so twice, or in a live cluster, is harmless')
    .argument('<file>', 'what "hearsay state save" wrote')
    .addOption(jsonOption())
    .addOption(dataOption())
    .addOption(nodeOption())
    .addOption(clusterOption())
    .addHelpText('after', examples('hearsay state load tasks.json --json'))
    .action((file, options) => load(file, options, terminal))
}

async function save(file: string, { json, ...where }: Options, terminal: Terminal): Promise<void> {
  const client = await openClient(where)
  const { writeStateFile } = await import('../../state/file.ts')
  const tasks = (await writeStateFile(file, client.exportState())) - LINES_AROUND
  if (json) return terminal.json({ v: 1, file, tasks })
  await terminal.line(`${tasks} tasks saved to ${file}`)
}

async function load(file: string, { json, ...where }: Options, terminal: Terminal): Promise<void> {
  const client = await openClient(where)
  const { readStateFile } = await import('../../state/file.ts')
  const result = await client.importState(readStateFile(file))
  if (json) return terminal.json(result)
  const { loaded, known, skipped } = result
  await terminal.line(
    `${loaded} tasks loaded, ${known} known already, ${skipped} forgotten since they settled`
  )
}
