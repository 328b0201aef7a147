/**
 * What an attempt has saved for the one after it: where it stood, as a blob. A component of the record, so that it is
 * wherever the task goes.
 *
 * The greater by (epoch, sequence) stands. So the last save of an attempt replaces those before it, and one that an
 * attempt made after it had lost the task never replaces that of the attempt that has it now.
 */
import { compareText } from '../base/order.ts'
import type { BlobRef } from './content.ts'

export type Checkpoint = Readonly<{
  /** Of the attempt that saved it. */
  epoch: number
  /** Which of its saves this is, from 1. */
  sequence: number
  /** What was saved, however small: it is read once, by the next attempt. */
  blob: BlobRef
  /** What a later version has added, a character for each byte that came. */
  later?: string
}>

/**
 * The greater of two. Two nodes that claimed one epoch may have saved under the same number: then the order is that of
 * the bytes on the wire, by which versions that do not know this component compare it.
 */
export function upperCheckpoint(
  x: Checkpoint | undefined,
  y: Checkpoint | undefined
): Checkpoint | undefined {
  if (x === undefined || y === undefined) return x ?? y
  return compareCheckpoints(x, y) >= 0 ? x : y
}

function compareCheckpoints(x: Checkpoint, y: Checkpoint): number {
  return (
    x.epoch - y.epoch ||
    x.sequence - y.sequence ||
    varint(x.blob.bytes).length - varint(y.blob.bytes).length ||
    compareText(x.blob.hash, y.blob.hash) ||
    compareText(varint(x.blob.bytes), varint(y.blob.bytes)) ||
    compareText(x.later ?? '', y.later ?? '')
  )
}

/** A number as the wire has it, seven bits a byte, the lowest first: a character for each byte. */
function varint(value: number): string {
  let text = ''
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    text += String.fromCharCode((rest % 0x80) | 0x80)
  }
  return text + String.fromCharCode(rest)
}
