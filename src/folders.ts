/**
 * Where hearsay keeps things: the two folders of the XDG base directory specification that it uses. One place, because
 * a node that writes and a client that looks for it must never disagree.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Holds one data folder per node: `<cluster>/<computer>-<instance>`. */
export function dataHome(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'hearsay')
}

/** Holds one key per cluster: `<cluster>.key`. */
export function configHome(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'hearsay')
}
