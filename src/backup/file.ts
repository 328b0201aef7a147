/**
 * State files on disk. One is there as a whole or not at all: it is written beside its place, synced, and then moved,
 * so that a node that dies while it saves leaves the last good file behind.
 */
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { writeAtomically } from '../shared/atomic-file.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import type { SavedState } from '../ports/ports.ts'
import { StateContents } from './state-contents.ts'

/**
 * Writes a file, readable by its owner only: it holds payloads and results.
 *
 * @param pieces its text, asked for as fast as the disk takes it
 * @returns what is in it
 * @throws InvalidOptionError if it cannot be written there; what was there before is untouched
 */
export async function writeStateFile(
  file: string,
  pieces: AsyncIterable<string>
): Promise<SavedState> {
  const place = await placeOf(file)
  const beside = join(dirname(place), `.${basename(place)}.${randomBytes(4).toString('hex')}`)
  const contents = new StateContents()
  try {
    await writeAtomically(place, noted(pieces, contents), { beside })
    return contents.saved()
  } catch (error) {
    throw refusal(error, `the state file ${file} cannot be written`)
  }
}

async function* noted(
  pieces: AsyncIterable<string>,
  contents: StateContents
): AsyncGenerator<string> {
  for await (const piece of pieces) {
    contents.note(piece)
    yield piece
  }
}

/**
 * The text of a file, piece by piece.
 *
 * @throws InvalidOptionError if it cannot be read
 */
export async function* readStateFile(file: string): AsyncGenerator<string> {
  try {
    for await (const piece of createReadStream(file, 'utf8')) yield piece as string
  } catch (error) {
    throw refusal(error, `the state file ${file} cannot be read`)
  }
}

/**
 * Where a file goes that may be there already: the end of a link. What is moved onto a device or a pipe would replace
 * it.
 */
async function placeOf(file: string): Promise<string> {
  const place = await realpath(file).catch(() => file)
  const there = await stat(place).catch(() => null)
  if (there === null || there.isFile()) return place
  throw new InvalidOptionError(`the state file ${file} cannot be written: it is no file`)
}

/** What the file system refuses is the caller's to mend; anything else is passed on. */
function refusal(error: unknown, what: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (syscall === undefined) return error
  return new InvalidOptionError(`${what} (${code}): choose another path`)
}
