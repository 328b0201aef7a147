/** What takes a while is said to go on, and what does not, is not. */
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Terminal } from '../../../src/cli/terminal.ts'
import { transfer } from '../../../src/cli/output/transfer.ts'
import { until } from '../../support/until.ts'

const words = (mebibytes: string, isWhole: boolean): string =>
  isWhole ? `all ${mebibytes} MiB` : `${mebibytes} MiB so far`

function terminal(): { terminal: Terminal; said: () => string } {
  const stderr = new PassThrough()
  let said = ''
  stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString()
  })
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr }
  return { terminal: new Terminal(streams), said: () => said }
}

test('a transfer that takes longer than a second says how far it is, and when it waits for the rest', async () => {
  const { terminal: to, said } = terminal()
  async function* slow(): AsyncGenerator<string> {
    yield 'x'.repeat(2 ** 20)
    await until(() => said().includes('hearsay: 1 MiB so far\n'), 'a word')
    yield 'x'.repeat(2 ** 20)
  }
  const sum = await transfer(to, slow(), words, async pieces => {
    let length = 0
    for await (const piece of pieces) length += piece.length
    await until(() => said().includes('hearsay: all 2 MiB\n'), 'another word')
    return length
  })
  expect(sum).toBe(2 ** 21)
})

test('a short transfer says nothing', async () => {
  const { terminal: to, said } = terminal()
  async function* quick(): AsyncGenerator<string> {
    yield 'x'
  }
  await transfer(to, quick(), words, async pieces => {
    for await (const _ of pieces);
  })
  expect(said()).toBe('')
})
