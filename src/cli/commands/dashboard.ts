/** `hearsay dashboard`: the cluster as a page in the browser, served by this process as long as it runs. */
import { createInterface } from 'node:readline'
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import type { Dashboard } from '../../dashboard/server/dashboard.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { SIGNAL_EXIT_CODES } from '../exit-code.ts'
import { parseNumber } from '../numbers.ts'
import { servePage, showPage, type PageFlags } from '../page.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient } from '../verb.ts'

/** As long as a code is good. */
const LINK_MS = 60_000
const PORT_MAX = 65_535
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/

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
      'gives another one. Without --allow-submit, commands can be neither submitted nor retried from it.'
    ]
  })
    .option('--port <port>', 'the port to listen on (default: one that is free)', parseNumber)
    .option('--no-open', 'print the link, and leave it to you to open it')
    .option('--read-only', 'let the page change nothing')
    .option('--allow-submit', 'let the page submit tasks and retry commands')
    .option(
      '--allow-host <name>',
      'a further name by which the page may be asked for; may be repeated',
      (name: string, names: string[] | undefined) => [...(names ?? []), name]
    )
    .action(async ({ data, node, cluster, ...flags }) => {
      check(flags)
      const where = { data: data ?? '', node: node ?? '', cluster: cluster ?? '' }
      await show(await openClient({ ...where, any: true }), flags, terminal)
    })
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

async function show(client: Client, flags: Flags, terminal: Terminal): Promise<void> {
  const ended = Promise.withResolvers<void>()
  const end = (signal: NodeJS.Signals): void => {
    terminal.exitCode = SIGNAL_EXIT_CODES[signal as keyof typeof SIGNAL_EXIT_CODES]
    ended.resolve()
  }
  for (const signal of Object.keys(SIGNAL_EXIT_CODES)) process.on(signal, end)
  const over = new AbortController()
  const dashboard = await servePage(client, flags)
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
  const link = dashboard.newLink()
  if (json) await terminal.json({ v: 1, link, validMs: LINK_MS })
  else await terminal.line(link)
}
