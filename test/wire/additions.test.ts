/**
 * What earlier versions say is understood as they meant it, and what this one says without anything new is what they said:
 * fixtures/COMMIT.ndjson are examples of every kind of message, written by the version of that commit (fixtures/write.ts).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Heartbeat, Message } from '../../src/core/message.ts'
import { decode, decodeStored, encode, encodeStored } from '../../src/wire/codec.ts'
import {
  decodeOutputAnswer,
  decodeOutputRequest,
  encodeOutputAnswer,
  encodeOutputRequest
} from '../../src/wire/runs/output.ts'

type Example = Readonly<{ of: string; bytes: string; value: Record<string, unknown> }>

const folder = new URL('./fixtures/', import.meta.url)
const versions = readdirSync(folder).filter(name => name.endsWith('.ndjson'))

/** How to read and write what is of one kind. Reading throws if it is refused. */
const codecs: Readonly<
  Record<string, { read: (bytes: Uint8Array) => unknown; write: (value: unknown) => Uint8Array }>
> = {
  message: {
    read: bytes => {
      const decoded = decode(bytes)
      return decoded.ok ? decoded.message : refused(decoded.why)
    },
    write: value => encode(value as Message)
  },
  'stored task': {
    read: bytes => {
      const decoded = decodeStored(bytes)
      return decoded.ok ? decoded.task : refused(decoded.why)
    },
    write: value => encodeStored(value as Parameters<typeof encodeStored>[0])
  },
  'output request': {
    read: decodeOutputRequest,
    write: value => encodeOutputRequest(value as Parameters<typeof encodeOutputRequest>[0])
  },
  'output answer': {
    read: decodeOutputAnswer,
    write: value => encodeOutputAnswer(value as Parameters<typeof encodeOutputAnswer>[0])
  }
}

function refused(why: string): never {
  throw new Error(`refused: ${why}`)
}

function revive(_key: string, value: unknown): unknown {
  const { $map, $bytes } = (value ?? {}) as { $map?: [unknown, unknown][]; $bytes?: string }
  if ($map !== undefined) return new Map($map)
  if ($bytes !== undefined) return Buffer.from($bytes, 'hex')
  return value
}

function examplesOf(version: string): Example[] {
  const lines = readFileSync(new URL(version, folder), 'utf8').split('\n').filter(Boolean)
  return lines.map(line => JSON.parse(line, revive) as Example)
}

function nameOf({ of, value }: Example): string {
  return `${of} ${(value.kind as string | undefined) ?? ''}`.trim()
}

describe.each(versions)('what the version of %s said', version => {
  const examples = examplesOf(version).map(example => [nameOf(example), example] as const)

  test('is there: at least one example of each kind', () => {
    const names = new Set(examples.map(([name]) => name))
    expect(names.size).toBeGreaterThanOrEqual(19 + 1 + 3 + 4)
  })

  test.each(examples)('(%s) is understood as it was meant', (_name, { of, bytes, value }) => {
    // Fields that were added since may be there, too.
    expect(codecs[of]!.read(Buffer.from(bytes, 'hex'))).toMatchObject(value)
  })

  test.each(examples)('(%s) is passed on byte for byte', (_name, { of, bytes }) => {
    const { read, write } = codecs[of]!
    expect(Buffer.from(write(read(Buffer.from(bytes, 'hex')))).toString('hex')).toBe(bytes)
  })
})

test('a heartbeat of before there were revisions is of revision 0', () => {
  const [{ bytes }] = examplesOf('6941590.ndjson') as [Example]
  expect((codecs.message!.read(Buffer.from(bytes, 'hex')) as Heartbeat).revision).toBe(0)
})
