/** The page of the dashboard, served by the process of a verb. */
import type { Client } from '../api/client.ts'
import type { Dashboard } from '../dashboard/server/dashboard.ts'
import type { FindOthers } from '../dashboard/server/neighbours.ts'
import type { Terminal } from './terminal.ts'

export type PageFlags = Readonly<{
  port?: number
  readOnly?: true
  allowSubmit?: true
  allowHost?: string[]
}>

/**
 * @param client of the node to ask
 * @param others who may be asked when that one has ended. @default nobody
 * @throws InvalidOptionError if the port cannot be listened on
 */
export async function servePage(
  client: Client,
  flags: PageFlags,
  others: FindOthers = () => Promise.resolve([])
): Promise<Dashboard> {
  const { startDashboard } = await import('../dashboard/server/dashboard.ts')
  const { loadPage } = await import('../dashboard/server/files.ts')
  const { builtFolder } = await import('../shared/own-files.ts')
  const { port = 0, readOnly = false, allowSubmit = false, allowHost: hosts = [] } = flags
  const files = await loadPage(builtFolder('dashboard'))
  return startDashboard({ client, others, files, port, hosts, readOnly, allowSubmit })
}

/** Opens it in the user's browser; says so if there is none. @param over nobody follows the link any more */
export async function showPage(
  page: Dashboard,
  terminal: Terminal,
  over: AbortSignal
): Promise<void> {
  const { openInBrowser } = await import('../dashboard/server/browser.ts')
  if (await openInBrowser(page.newLink(), over)) return
  terminal.words('there is no browser here to open it: follow the link yourself')
}
