/** Messages of the baseline and of today, whatever is in them, are read by each other as they were meant. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc, { type Arbitrary } from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as todays from '../support/arbitraries.ts'
import * as codec from '../../src/wire/codec.ts'
import { BASELINE, baselineUnavailable, checkOut, type Tree } from './baseline.ts'

type Codec = Pick<typeof codec, 'encode' | 'decode' | 'encodeStored' | 'decodeStored'>
type Given = Pick<typeof todays, 'message' | 'stored'>

const unavailable = baselineUnavailable()
if (unavailable !== null) console.warn(`messages of ${BASELINE} are not tried: ${unavailable}`)

describe.skipIf(unavailable !== null)(`between ${BASELINE} and today`, () => {
  let tree: Tree
  let baseline: Codec
  let baselines: Given

  beforeAll(async () => {
    tree = await checkOut()
    const from = async <T>(file: string): Promise<T> =>
      (await import(pathToFileURL(join(tree.root, file)).href)) as T
    baseline = await from<Codec>('src/wire/codec.ts')
    baselines = await from<Given>('test/support/arbitraries.ts')
  })
  afterAll(() => tree?.remove())

  /** What one writes, the other reads: all that both know, and nothing that the reader only believes to know. */
  function comesThrough<T extends object>(
    given: Arbitrary<T>,
    write: (value: T) => Uint8Array,
    read: (bytes: Uint8Array) => object,
    isReaderOlder: boolean
  ): void {
    fc.assert(
      fc.property(given, value => {
        const found = read(write(value))
        if (isReaderOlder) expect(value).toMatchObject(found)
        else expect(found).toMatchObject(value)
      }),
      { numRuns: 300 }
    )
  }

  const readMessage =
    ({ decode }: Codec) =>
    (bytes: Uint8Array): object => {
      const decoded = decode(bytes)
      return decoded.ok ? decoded.message : expect.fail(decoded.why)
    }
  const readStored =
    ({ decodeStored }: Codec) =>
    (bytes: Uint8Array): object => {
      const decoded = decodeStored(bytes)
      return decoded.ok ? decoded.task : expect.fail(decoded.why)
    }

  test('what today says is understood by the baseline, but for what was added', () => {
    comesThrough(todays.message, codec.encode, readMessage(baseline), true)
  })

  test('what the baseline says is understood today', () => {
    comesThrough(baselines.message, baseline.encode, readMessage(codec), false)
  })

  test('what one has put on its disk is read by the other', () => {
    comesThrough(todays.stored, codec.encodeStored, readStored(baseline), true)
    comesThrough(baselines.stored, baseline.encodeStored, readStored(codec), false)
  })
})
