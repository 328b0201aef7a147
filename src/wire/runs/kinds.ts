/** Messages of a protocol of its own, each of one of its kinds: a number, and what there is to say of that kind. */
import protobuf from 'protobufjs/minimal.js'
import { Names } from '../names.ts'
import { Refused, refuse, type Value } from '../value.ts'

type Kinds = Readonly<Record<string, readonly [number, unknown]>>

export function writeKind(kinds: Kinds, given: Readonly<{ kind: string }>): Uint8Array {
  const [number, value] = kinds[given.kind]!
  const writer = protobuf.Writer.create()
  ;(value as Value<unknown>).write(writer, number, given, new Names())
  return writer.finish()
}

/** @throws Refused */
export function readKind(kinds: Kinds, bytes: Uint8Array): object {
  try {
    const reader = protobuf.Reader.create(bytes)
    const tag = reader.uint32()
    const [kind, [, value]] =
      Object.entries(kinds).find(([, [number]]) => number === tag >>> 3) ??
      refuse(`there is no kind ${tag >>> 3} of question or answer`)
    const body = (value as Value<object>).read(reader, tag & 7, new Names())
    if (reader.pos !== reader.len) refuse('bytes after the end of the message')
    return { kind, ...body }
  } catch (error) {
    // Bytes that end too early are found out by the reader, in its own words.
    throw error instanceof Refused ? error : new Refused((error as Error).message)
  }
}
