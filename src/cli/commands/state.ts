/**
 * `hearsay state`: writes all tasks of the cluster to a file, and takes them in again.
 *
 * The file is read and written here, as the user who asks and in the folder where that was asked; the node only hands
 * out text and takes it.
 */
import type { Command } from '@commander-js/extra-typings'
import { InvalidOptionError } from '../../shared/errors.ts'
import type { Terminal } from '../terminal.ts'
import { transfer } from '../output/transfer.ts'
import { clientVerb, openClient, verbGroup, type Where } from '../verb.ts'

type Options = Where & { json?: true }

export function register(program: Command, terminal: Terminal): void {
  const state = verbGroup(program, {
    name: 'state',
    summary: 'save all tasks to a file, and load them from it',
    examples: ['hearsay state save tasks.json', 'hearsay state load tasks.json']
  })
  clientVerb(state, {
    name: 'save',
    summary: 'write all tasks that the node knows to a file, with large payloads and results',
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
    .option('--rekey', 'take in a file of this cluster from under another key')
    .action((file, options) => load(file, options, terminal))
}

/** A file is replaced as a whole or not at all, and a stream is not. */
function assertFile(file: string): void {
  if (file !== '-') return
  throw new InvalidOptionError('a state file has a name: "-" would be none, "./-" is one')
}

async function save(file: string, { json, ...where }: Options, terminal: Terminal): Promise<void> {
  assertFile(file)
  const client = await openClient(where, terminal)
  const { writeStateFile } = await import('../../backup/file.ts')
  const { tasks, missing } = await transfer(
    terminal,
    client.exportState(),
    mebibytes => `${mebibytes} MiB saved so far`,
    pieces => writeStateFile(file, pieces)
  )
  if (missing > 0) {
    terminal.words(
      `no node that can be asked has ${missing} large payloads or results: they are not in the file; save it again when more nodes are connected`
    )
  }
  if (json) return terminal.json({ v: 1, file, tasks, missing })
  await terminal.line(`${tasks} tasks saved to ${file}`)
  const { cluster } = await client.status()
  terminal.words(
    `it can be loaded into a cluster called "${cluster}" with the same key, which is not in it: keep the key as well (hearsay key show)`
  )
}

async function load(
  file: string,
  { json, rekey = false, ...where }: Options & { rekey?: boolean },
  terminal: Terminal
): Promise<void> {
  assertFile(file)
  const client = await openClient(where, terminal)
  const { readStateFile } = await import('../../backup/file.ts')
  const result = await transfer(
    terminal,
    readStateFile(file),
    (mebibytes, isWhole) =>
      isWhole
        ? `all ${mebibytes} MiB read; the node takes them in`
        : `${mebibytes} MiB read so far`,
    pieces => client.importState(pieces, rekey)
  )
  if (json) return terminal.json(result)
  const { loaded, known, skipped } = result
  await terminal.line(
    `${loaded} tasks loaded, ${known} known already, ${skipped} forgotten since they settled`
  )
}
