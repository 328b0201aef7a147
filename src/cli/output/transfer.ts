/**
 * How far a file is on its way to a node or from it, said on stderr once a second. What takes less is not worth a word.
 */
import { Progress } from './progress.ts'
import type { Terminal } from '../terminal.ts'

const SAY_MS = 1000
/** In one figure. */
const MEBIBYTE = 2 ** 20

/**
 * Does something with a text that passes by, and says how far it is meanwhile.
 *
 * @param words what to say, given what has passed by in MiB, and whether that was all
 * @param use gets the text, and resolves when all is done
 */
export async function transfer<T>(
  terminal: Terminal,
  pieces: AsyncIterable<string>,
  words: (mebibytes: string, isWhole: boolean) => string,
  use: (pieces: AsyncIterable<string>) => Promise<T>
): Promise<T> {
  const progress = new Progress(terminal)
  let bytes = 0
  let isWhole = false
  async function* passing(): AsyncGenerator<string> {
    for await (const piece of pieces) {
      bytes += Buffer.byteLength(piece)
      yield piece
    }
    isWhole = true
  }
  const saying = setInterval(() => {
    const text = words((bytes / MEBIBYTE).toFixed(0), isWhole)
    if (progress.isWatched) progress.show(text)
    else terminal.words(text)
  }, SAY_MS)
  try {
    return await use(passing())
  } finally {
    clearInterval(saying)
    progress.clear()
  }
}
