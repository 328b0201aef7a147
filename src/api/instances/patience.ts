/**
 * Whether a node that has been asked is there at all. An answer may take as long as its question does; a node that is
 * alive answers any other question meanwhile, and one that is stopped, or stuck, answers none.
 */
import { NoNodeError } from '../../shared/errors.ts'
import { socketPath } from '../address.ts'

const http = process.getBuiltinModule('node:http')

/** A node that has not answered for as long is said to be silent. */
export const SILENT_MS = 5000
/** When it is asked whether it is there, and for how long. */
const HALF_MS = SILENT_MS / 2

/** A node accepts connections and answers nothing. */
export class SilentNodeError extends NoNodeError {}

/**
 * Asks a node again and again whether it is there, until it is told to stop or the node has been silent.
 *
 * @param onSilent called once, if at all
 * @returns stops it
 */
export function watchOver(folder: string, onSilent: () => void): () => void {
  let timer: NodeJS.Timeout
  let isOver = false
  const look = async (): Promise<void> => {
    const isThere = await answers(folder)
    if (isOver) return
    if (isThere) lookLater()
    else onSilent()
  }
  const lookLater = (): void => {
    timer = setTimeout(() => void look(), HALF_MS).unref()
  }
  lookLater()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

/** A refused connection is an answer: whoever has asked meets it, too. */
function answers(folder: string): Promise<boolean> {
  return new Promise(resolve => {
    const sent = http.request(
      // No version knows it, so it costs nothing.
      { socketPath: socketPath(folder), agent: false, path: '/v1/ping', timeout: HALF_MS },
      response => {
        response.resume()
        resolve(true)
      }
    )
    sent.once('timeout', () => {
      resolve(false)
      sent.destroy()
    })
    sent.once('error', () => resolve(true))
    sent.end()
  })
}
