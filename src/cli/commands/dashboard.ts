/** `hearsay dashboard`: the cluster as a page in the browser, served by this process as long as it runs. */
import { createInterface } from 'node:readline'
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import type { FindOthers } from '../../dashboard/server/neighbours.ts'
import type { Dashboard } from '../../dashboard/server/dashboard.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { SIGNAL_EXIT_CODES } from '../exit-code.ts'
import { parseNumber } from '../numbers.ts'
import { servePage, showPage, type PageFlags } from '../page.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, openOwnClient } from '../verb.ts'

const PORT_MAX = 65_535
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/

/** What `--json` prints: the first link, and another one for each Enter. */
export type DashboardLink = {
  v: 1
  /** Opens one page. */
  link: string
  /** For how long. */
  validMs: number
}

type Flags = PageFlags & Readonly<{ open: boolean; json?: true }>

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'dashboard',
    summary: 'show the cluster in the browser: nodes, tasks, and what happens',
    examples: [
      'hearsay dashboard',
      'hearsay dashboard --port 8080 --no-open --read-only',
      'ssh -L 8080:127.0.0.1:8080 computer-a hearsay dashboard --port 8080 --no-open'
    ],
    notes: [
      'It listens on 127.0.0.1 only, and ends with Ctrl-C. A link opens one page, within a minute; Enter',
      'gives another one. Without --allow-submit, commands can be neither submitted nor retried from it.',
      'When the node that it asks has ended, it asks another one of the same cluster on this computer,',
      'unless --node or --data picks one; the page says which one answers.'
    ]
  })
    .option('--port <port>', 'the port to listen on (default: one that is free)', parseNumber)
    .option('--no-open', 'print the link, and leave it to you to open it')
    .option('--read-only', 'let the page change nothing')
    .option('--allow-submit', 'let the page submit and retry commands, too')
    .option(
      '--allow-host <name>',
      'a further name by which the page may be asked for; may be repeated',
      (name: string, names: string[] | undefined) => [...(names ?? []), name]
    )
    .action(async ({ data, node, cluster, ...flags }) => {
      check(flags)
      const where = { data: data ?? '', node: node ?? '', cluster: cluster ?? '' }
      const { folder } = await openClient(where)
      const client = await openOwnClient({ data: folder })
      const isChosen = where.data !== '' || where.node !== ''
      const others = isChosen ? undefined : await neighboursOf(client)
      await show(client, others, flags, terminal)
    })
}

/** All nodes of its cluster on this computer, as they are when they are asked for. */
async function neighboursOf(client: Client): Promise<FindOthers> {
  const { findFolders } = await import('../../api/find.ts')
  const { cluster } = await client.status()
  return () => findFolders({ cluster, any: true })
}

/** @throws InvalidOptionError */
function check({ port = 0, readOnly, allowSubmit, allowHost = [] }: Flags): void {
  if (port > PORT_MAX) throw new InvalidOptionError(`--port is ${port}: give one up to ${PORT_MAX}`)
  if (readOnly && allowSubmit) {
    throw new InvalidOptionError('--read-only and --allow-submit exclude each other')
  }
  const wrong = allowHost.find(name => !HOST_NAME.test(name))
  if (wrong !== undefined) {
    throw new InvalidOptionError(`--allow-host cannot be "${wrong}": give a name without a port`)
  }
}

async function show(
  client: Client,
  others: FindOthers | undefined,
  flags: Flags,
  terminal: Terminal
): Promise<void> {
  const ended = Promise.withResolvers<void>()
  const end = (signal: NodeJS.Signals): void => {
    terminal.exitCode = SIGNAL_EXIT_CODES[signal as keyof typeof SIGNAL_EXIT_CODES]
    ended.resolve()
  }
  for (const signal of Object.keys(SIGNAL_EXIT_CODES)) process.on(signal, end)
  const over = new AbortController()
  const dashboard = await servePage(client, flags, others)
  const lines = createInterface({ input: terminal.stdin })
  try {
    await tell(client, dashboard, flags, terminal, over.signal)
    lines.on('line', () => {
      printLink(dashboard, flags, terminal).catch((error: unknown) => ended.reject(error))
    })
    await ended.promise
  } finally {
    over.abort()
    lines.close()
    await dashboard.close()
    for (const signal of Object.keys(SIGNAL_EXIT_CODES)) process.off(signal, end)
  }
}

/** Where it is, in a browser if there is one. */
async function tell(
  client: Client,
  dashboard: Dashboard,
  flags: Flags,
  terminal: Terminal,
  over: AbortSignal
): Promise<void> {
  const { cluster, node } = await client.status()
  if (!flags.json) {
    terminal.words(
      `the dashboard of "${cluster}" (by way of ${node}); Enter gives a new link, Ctrl-C ends it`
    )
  }
  await printLink(dashboard, flags, terminal)
  if (flags.open) await showPage(dashboard, terminal, over)
}

async function printLink(dashboard: Dashboard, { json }: Flags, terminal: Terminal): Promise<void> {
  const { CODE_MS: validMs } = await import('../../dashboard/server/sessions.ts')
  const shown: DashboardLink = { v: 1, link: dashboard.newLink(), validMs }
  if (json) await terminal.json(shown)
  else await terminal.line(shown.link)
}
