/**
 * One word for many tasks: `cancel` and `retry` with `--all` and the filters of `ls`.
 *
 * First comes the number, then the question whether it is meant so; without a terminal nobody can be asked, so `--yes`
 * has to say it. What is done is done to as many tasks as were told, or to none.
 */
import type { Command } from '@commander-js/extra-typings'
import type { BulkPreview, BulkRequest, BulkResult } from '../node/api/lists-api.ts'
import type { TaskFilter } from '../node/api/node-api.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import { REFUSED } from './exit-code.ts'
import { filterFlags, givenFilter, type FilterFlags } from './filter-flags.ts'
import { sayUnmatched } from './output/unmatched.ts'
import { isTerminal, type Terminal } from './terminal.ts'
import { openAnyClient, type Where } from './verb.ts'

type Action = BulkRequest['action']

export type ManyFlags = FilterFlags & Where & { json?: true; all?: true; yes?: true }

const DONE = { cancel: 'cancelled', retry: 'tried once more' } as const

/** Adds the flags to a verb that takes ids. */
export function manyFlags<Arguments extends unknown[], Options extends Record<string, unknown>>(
  command: Command<Arguments, Options>
): Command<Arguments, Options & FilterFlags & { all?: true; yes?: true }> {
  command
    .option('--all', 'all tasks that fit the filters, in place of ids; --node is one of them then')
    .option('--yes', 'with --all: do not ask whether it is meant so')
  return filterFlags(command)
}

/**
 * The filter that is meant, or null: the tasks that are given by their ids.
 *
 * @param isNodeGiven whether `--node` stands on the command line: from the environment it names the node to ask
 * @throws InvalidOptionError
 */
export function filterOf(
  action: Action,
  ids: readonly string[],
  flags: ManyFlags,
  isNodeGiven: boolean
): TaskFilter | null {
  const filter = givenFilter(flags)
  const { all = false, yes = false, node } = flags
  if (all && ids.length > 0) {
    throw new InvalidOptionError(`${action} takes ids, or --all with filters: not both`)
  }
  if (all) return isNodeGiven && node !== undefined ? { ...filter, node } : filter
  if (ids.length === 0) {
    throw new InvalidOptionError(`${action} needs an id, or --all with the filters of hearsay ls`)
  }
  if (yes || Object.keys(filter).length > 0) {
    throw new InvalidOptionError('filters and --yes go with --all: without it, ids say which tasks')
  }
  return null
}

/** Does it, after the number and the question. */
export async function doMany(
  request: Pick<BulkRequest, 'action' | 'filter'>,
  { json, yes, data, cluster }: ManyFlags,
  terminal: Terminal
): Promise<void> {
  const client = await openAnyClient({ data: data ?? '', cluster: cluster ?? '' }, terminal)
  const preview = await client.previewBulk(request)
  if (preview.matched === 0) await sayUnmatched(client, request.filter, terminal)
  if (!json) terminal.words(previewText(request.action, preview))
  if (preview.matched === 0) {
    if (json) await terminal.json(nothing())
    return
  }
  if (!yes && !(await isMeant(request.action, preview, terminal))) return
  await tell(
    await client.bulk({ ...request, expect: preview.matched }),
    request.action,
    json === true,
    terminal
  )
}

function previewText(action: Action, { matched, sample }: BulkPreview): string {
  if (matched === 0) return `no such tasks that could be ${DONE[action]}`
  const types = [...new Set(sample.map(({ type }) => type))].join(', ')
  return `${tasksText(matched)} to be ${DONE[action]}, such as ${sample[0]!.id} (${types})`
}

async function isMeant(
  action: Action,
  { matched }: BulkPreview,
  terminal: Terminal
): Promise<boolean> {
  const question = `${action} ${tasksText(matched)}?`
  if (!isTerminal(terminal.stdin) || !isTerminal(terminal.stderr)) {
    throw new InvalidOptionError(`${question} Nobody can be asked here: say it with --yes`)
  }
  terminal.stderr.write(`${question} [y/N] `)
  const answer = await lineFrom(terminal.stdin)
  if (/^y(es)?$/i.test(answer.trim())) return true
  terminal.words('nothing was done')
  return false
}

/** The first line; what is there at the end of the input without one. */
async function lineFrom(stdin: Terminal['stdin']): Promise<string> {
  let text = ''
  for await (const piece of stdin) {
    text += String(piece)
    if (text.includes('\n')) break
  }
  return text.split('\n')[0] ?? ''
}

async function tell(
  result: BulkResult,
  action: Action,
  json: boolean,
  terminal: Terminal
): Promise<void> {
  const { changed, refused, refusedMore } = result
  if (json) await terminal.json(result)
  else await terminal.line(`${tasksText(changed)} ${DONE[action]}`)
  if (!json) for (const { id, why } of refused) terminal.words(`${id}: ${why}`)
  if (!json && refusedMore > 0) terminal.words(`and ${refusedMore} more were refused`)
  if (refused.length > 0) terminal.exitCode = REFUSED
}

function nothing(): BulkResult {
  return { v: 1, matched: 0, changed: 0, refused: [], refusedMore: 0 }
}

function tasksText(count: number): string {
  return count === 1 ? '1 task' : `${count} tasks`
}
