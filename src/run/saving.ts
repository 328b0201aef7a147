/**
 * What a run saves for the next attempt, on the side of its handler: a value is written to a file of its own, and the
 * node takes it from there. One save at a time, in the order in which they were asked for.
 */
import { TASK_LIMITS } from '../core/options.ts'
import type { BlobRef } from '../core/task/content.ts'
import { CheckpointRefusedError, TooLargeError } from '../shared/errors.ts'
import { jsonText } from '../shared/json/json-value.ts'
import { utf8Pieces } from '../shared/utf8-chunks.ts'
import { writeResult } from './contents.ts'

/** Takes over what is in the file of that number. Resolves to whether it stands. @throws whatever keeps it from that */
export type KeepSaved = (number: number, blob: BlobRef) => Promise<boolean>

/** Where the save of that number is written. */
export function savePath(resultPath: string, number: number): string {
  return `${resultPath}.save-${number}`
}

/** @param path where a large result of the run would go; null: there is no place for what is large */
export function saverOf(path: string | null, keep: KeepSaved): (value: unknown) => Promise<void> {
  let count = 0
  let last: Promise<void> = Promise.resolve()
  const save = async (text: string): Promise<void> => {
    if (path === null) throw new CheckpointRefusedError('this node keeps no checkpoints')
    const number = ++count
    const blob = await writeResult(savePath(path, number), utf8Pieces(text))
    if (blob === null) throw tooLarge(text)
    if (await keep(number, blob)) return
    throw new CheckpointRefusedError(
      'the checkpoint is not taken: the task is not this run’s any more; stop, for another one has it, or it has ended'
    )
  }
  return async value => {
    // At once: what the handler does with the value later does not count.
    const text = jsonText(value)
    const saved = last.then(() => save(text))
    last = saved.catch(() => {})
    return saved
  }
}

function tooLarge(text: string): TooLargeError {
  return new TooLargeError(
    `the checkpoint has ${Buffer.byteLength(text)} bytes as JSON, and ${TASK_LIMITS.blobBytesMax} are allowed: write it elsewhere, and save where it is`
  )
}
