/**
 * `hearsay state`: writes all tasks of the cluster to a file, and takes them in again.
 *
 * The file is read and written here, as the user who asks and in the folder where that was asked; the node only hands
 * out text and takes it.
 */
import type { Command } from '@commander-js/extra-typings'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, verbGroup, type Where } from '../verb.ts'

type Options = Where & { json?: true }

/** The first line of a file and its last are no tasks. */
const LINES_AROUND = 2

export function register(program: Command, terminal: Terminal): void {
  const state = verbGroup(program, {
    name: 'state',
    summary: 'save all tasks to a file, and load them from it',
    examples: ['hearsay state save tasks.json', 'hearsay state load tasks.json']
  })
  clientVerb(state, {
    name: 'save',
    summary: 'write all tasks that the node knows to a file',
    examples: ['hearsay state save tasks.json --node computer-a/1']
  })
    .argument('<file>', 'where to; an existing file is replaced when the new one is complete')
    .action((file, options) => save(file, options, terminal))
  clientVerb(state, {
    name: 'load',
    summary: 'take in the tasks of a file; doing so twice, or in a live cluster, is harmless',
    examples: ['hearsay state load tasks.json --json']
  })
    .argument('<file>', 'what "hearsay state save" wrote')
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
