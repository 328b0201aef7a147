/**
 * Opens a link in the user's browser. What a process is started with can be read by all users of the computer, and the
 * link has a code in it: so the browser is given a file that only this user can read, which leads on to the link.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: 'open',
  linux: 'xdg-open'
}
/** The code in the link is over by then. */
const FILE_MS = 60_000

/**
 * @param signal the file goes when it is aborted, at the latest after a minute
 * @returns whether there is a program here that opens files; whether it shows the page, nobody can tell
 */
export async function openInBrowser(link: string, signal: AbortSignal): Promise<boolean> {
  const opener = OPENERS[process.platform]
  if (opener === undefined || !canShow()) return false
  const folder = await mkdtemp(join(process.env['XDG_RUNTIME_DIR'] || tmpdir(), 'hearsay-open-'))
  const file = join(folder, 'dashboard.html')
  await writeFile(file, redirectTo(link), { mode: 0o600, flag: 'wx' })
  const remove = (): void => void rm(folder, { recursive: true, force: true }).catch(() => {})
  setTimeout(remove, FILE_MS).unref()
  signal.addEventListener('abort', remove, { once: true })
  return new Promise(resolve => {
    const child = spawn(opener, [file], { stdio: 'ignore', detached: true })
    child.once('error', () => resolve(false))
    child.once('spawn', () => resolve(true))
    child.unref()
  })
}

/** A program of Linux that opens files needs a screen, or a command that has one. */
function canShow(): boolean {
  const { DISPLAY, WAYLAND_DISPLAY, BROWSER } = process.env
  return process.platform !== 'linux' || Boolean(DISPLAY || WAYLAND_DISPLAY || BROWSER)
}

/** @param link of our own making: nothing in it needs to be escaped */
function redirectTo(link: string): string {
  return `<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url=${link}">
<title>hearsay</title>
<a href="${link}">The dashboard of hearsay</a>
`
}
