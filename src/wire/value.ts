/**
 * How one kind of value is written and read, and what both have in common.
 */
import type protobuf from 'protobufjs/minimal.js'
import type { Names } from './names.ts'

export type Writer = protobuf.Writer
export type Reader = protobuf.Reader

export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2

/** Input that is not what the schema says. Never leaves the wire: `decode` turns it into a value. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

/** How one kind of value is written and read. `write` includes the tag of the field. */
export interface Value<T> {
  write(writer: Writer, field: number, value: T, names: Names): void
  /** @throws Refused */
  read(reader: Reader, wireType: number, names: Names): T
  /** Passes over a value whatever it holds, but for the names in it. @default nothing in it is a name */
  skim?: (reader: Reader, wireType: number, names: Names) => void
}

export function refuse(why: string): never {
  throw new Refused(why)
}

/** How a value from outside may appear in an error: short, and on one line. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}

export function expect(wireType: number, wanted: number): void {
  if (wireType !== wanted) throw new Refused(`wire type ${wireType} where ${wanted} belongs`)
}

export function endOf(reader: Reader): number {
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > reader.len) throw new Refused(`a length of ${length} goes beyond the end`)
  return end
}
