/**
 * Where hearsay keeps things: the two folders of the XDG base directory specification that it uses. One place, because
 * a node that writes and a client that looks for it must never disagree.
 */
import { mkdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** Holds one data folder per node: `<cluster>/<computer>-<instance>`. */
export function dataHome(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'hearsay')
}

/** Holds one key per cluster: `<cluster>.key`. */
export function configHome(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'hearsay')
}

/**
 * Makes a folder for its owner alone, and those above it that are missing. One that is there stays as it is.
 *
 * Not by `recursive` of `mkdir`: where no folder can be made although the one above is there, as in /proc, Node 24
 * tries for ever, in a thread that keeps the process from ending.
 *
 * @throws whatever the file system says
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (await isFolder(path)) return
    const above = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error
    // If it is there by now, another process has made it in this moment.
    if (!(await isFolder(above))) await makeFolder(above)
    await mkdir(path, { mode: 0o700 }).catch(async (again: unknown) => {
      if (!(await isFolder(path))) throw again
    })
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false
  )
}
