/**
 * What later versions have added to a record: kept as it came, and passed on.
 *
 * A node that dropped what it does not know would pass on a record that differs from all others and says the same of
 * itself. So unknown fields of a part of a record stay with that part, as bytes; and unknown fields of the record
 * itself are components with an order of their own: a message whose first field is an epoch, whose second is a sequence
 * number within it, and whose other fields are passed over here. The greater by (epoch, sequence, bytes) stands.
 */
import type { Component } from '../core/task/record.ts'
import { COMPONENT_BYTES_MAX, COMPONENTS_MAX, EPOCH_MAX } from '../core/task/record.ts'
import { LATER_BYTES_MAX } from '../core/base/shape.ts'
import { BYTES, refuse, VARINT, type Reader, type Writer } from './value.ts'

/** A property in which a message keeps the fields that are not known here. */
export type Extra = Readonly<{
  key: string
  write: (writer: Writer, value: unknown) => void
  /**
   * Reads one field, whose tag has been read.
   *
   * @param start where its tag begins
   * @param before what the unknown fields before it gave
   */
  read: (reader: Reader, tag: number, start: number, before: unknown) => unknown
}>

/** As bytes, tags and all. */
export const LATER: Extra = {
  key: 'later',
  write: (writer, value) => void writer.raw(Buffer.from(value as string, 'latin1')),
  read: (reader, tag, start, before = '') => {
    reader.skipType(tag & 7)
    const later = `${before as string}${binaryText(reader, start, reader.pos)}`
    if (later.length > LATER_BYTES_MAX) refuse(`more than ${LATER_BYTES_MAX} bytes of later fields`)
    return later
  }
}

/** As a list, sorted. What is no component is of no version that kept to the rules, and is left out. */
export const COMPONENTS: Extra = {
  key: 'components',
  write: (writer, value) => {
    for (const { number, bytes } of value as readonly Component[]) {
      writer.uint32((number << 3) | BYTES).bytes(Buffer.from(bytes, 'latin1'))
    }
  },
  read: (reader, tag, _, before) => {
    const list = before as Component[] | undefined
    const component = (tag & 7) === BYTES ? componentOf(reader, tag >>> 3) : skipped(reader, tag)
    if (component === null) return list
    if (list === undefined) return [component]
    if (list.length === COMPONENTS_MAX) refuse(`more than ${COMPONENTS_MAX} later components`)
    if (list.at(-1)!.number >= component.number) refuse('later components out of order')
    list.push(component)
    return list
  }
}

function componentOf(reader: Reader, number: number): Component {
  const length = reader.uint32()
  const start = reader.pos
  const end = start + length
  if (end > reader.len) refuse('a component goes beyond the end')
  if (length > COMPONENT_BYTES_MAX) refuse(`a later component of ${length} bytes`)
  let epoch = 0
  let sequence = 0
  while (reader.pos < end) {
    const tag = reader.uint32()
    if (tag === ((1 << 3) | VARINT)) epoch = bounded(Number(reader.uint64()), EPOCH_MAX)
    else if (tag === ((2 << 3) | VARINT)) {
      sequence = bounded(Number(reader.uint64()), Number.MAX_SAFE_INTEGER)
    } else reader.skipType(tag & 7)
  }
  if (reader.pos !== end) refuse('a component ends within a field')
  return { number, epoch, sequence, bytes: binaryText(reader, start, end) }
}

function skipped(reader: Reader, tag: number): null {
  reader.skipType(tag & 7)
  return null
}

function bounded(value: number, max: number): number {
  return value <= max ? value : refuse(`${value} is above ${max}`)
}

function binaryText({ buf }: Reader, start: number, end: number): string {
  return Buffer.from(buf.buffer, buf.byteOffset + start, end - start).toString('latin1')
}
