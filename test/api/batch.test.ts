/** Many submissions in one request, by themselves: what comes of lines that are no submissions. */
import { expect, test } from 'vitest'
import { batchStream, type BatchLine } from '../../src/api/batch.ts'
import { Client } from '../../src/api/client.ts'
import { until } from '../support/until.ts'
import { serveFakeNode } from './served.ts'

const COUNT = 50

const at = serveFakeNode()

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

/** Tasks that do not settle by themselves, and what comes after them. */
async function* slow(last?: BatchLine): AsyncGenerator<BatchLine> {
  for (let line = 1; line <= COUNT; line++) yield { line, type: 'slow', payload: null, options: {} }
  if (last !== undefined) yield last
}

test('a reader that goes away is waited for by nobody: all that its tasks were followed for ends at the node', async () => {
  const client = await Client.open({ data: at.folder })
  let answers = 0
  for await (const _ of client.submitAndWait(slow())) if (++answers === COUNT) break
  await until(() => at.node.waitsGivenUp === COUNT, 'its waits to end')
  expect(at.node.waiting).toBe(COUNT)
})

test('so it is when a batch breaks off at a line that is no submission', async () => {
  const client = await Client.open({ data: at.folder })
  const nonsense = { line: 'none' } as unknown as BatchLine
  const reading = async (): Promise<void> => {
    for await (const _ of client.submitAndWait(slow(nonsense)));
  }
  await expect(reading()).rejects.toMatchObject({ name: 'InvalidOptionError' })
  expect(at.node.waiting).toBe(COUNT)
  await until(() => at.node.waitsGivenUp === COUNT, 'its waits to end')
})
