/** Where a node's local API is: a socket in its data folder. */
import { join } from 'node:path'

export function socketPath(folder: string): string {
  return join(folder, 'api.sock')
}
