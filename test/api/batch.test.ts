/** Many submissions in one request, by themselves: what comes of lines that are no submissions. */
import { expect, test } from 'vitest'
import { batchStream } from '../../src/api/batch.ts'

async function* pieces(...texts: readonly string[]): AsyncGenerator<string> {
  yield* texts
}

test('two lines at once that are no submissions are one answer, and nobody else hears of them', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  try {
    const stream = batchStream(pieces('one\ntwo\nthree\n'), {
      // The later, the sooner: none of them waits for its turn.
      answer: async line => {
        if (line === 'one') await new Promise(resolve => setImmediate(resolve))
        throw new Error(`no submission: ${line}`)
      },
      wait: false,
      gone: new AbortController().signal
    })
    const text = await new Response(stream).text()
    await new Promise(resolve => setImmediate(resolve))
    expect(text.trim().split('\n')).toHaveLength(1)
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', note)
  }
})
