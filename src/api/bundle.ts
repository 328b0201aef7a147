/**
 * Many small texts as few larger ones: what is ready within one turn of the event loop goes out together, and nothing
 * waits for more. A system call for each line of a hundred thousand is most of what they cost.
 */

/** As large as a pipe takes at once. */
const BUNDLE_LENGTH = 65_536

/** The same text in larger pieces. */
export async function* bundled(texts: AsyncIterable<string>): AsyncGenerator<string> {
  const iterator = texts[Symbol.asyncIterator]()
  let bundle = ''
  let turn: Promise<null> | null = null
  let reading = iterator.next()
  try {
    for (;;) {
      const next = await (turn === null ? reading : Promise.race([reading, turn]))
      if (next?.done === true) break
      if (next !== null) {
        bundle += next.value
        reading = iterator.next()
        turn ??= nextTurn()
      }
      if (next === null || bundle.length >= BUNDLE_LENGTH) {
        yield bundle
        bundle = ''
        turn = null
      }
    }
    if (bundle !== '') yield bundle
  } finally {
    // Whoever reads no further wants to know nothing of what comes next.
    reading.catch(() => {})
    await iterator.return?.()
  }
}

function nextTurn(): Promise<null> {
  return new Promise(resolve => setImmediate(resolve, null))
}
