/**
 * Who this node is, for life: an Ed25519 key, made at the first start. Any process that has the file can pose as the
 * node, so only its owner may read it.
 */
import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { DataFolderError } from '../shared/errors.ts'
import { writeAtomically } from '../shared/atomic-file.ts'
import { isMissing } from './folder.ts'

const OWNER_ONLY = 0o600

/**
 * Reads the key of the folder, or makes one if there is none.
 *
 * @throws DataFolderError if there is one that cannot be read: a new one in its place would be another node
 */
export async function loadIdentity(folder: string): Promise<Ed25519PrivateKey> {
  const path = join(folder, 'identity')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (!isMissing(error)) throw error
    const created = await generateKeyPair('Ed25519')
    await writeAtomically(path, `${toText(created)}\n`, { mode: OWNER_ONLY })
    return created
  }
  const key = fromText(text.trim())
  if (key === null) {
    throw new DataFolderError(
      `the identity of this node in ${path} is damaged; restore the file, or remove the whole folder to begin as a new node`
    )
  }
  await chmod(path, OWNER_ONLY)
  return key
}

function toText(key: Ed25519PrivateKey): string {
  return Buffer.from(privateKeyToProtobuf(key)).toString('base64')
}

function fromText(text: string): Ed25519PrivateKey | null {
  try {
    const key = privateKeyFromProtobuf(Buffer.from(text, 'base64'))
    return key.type === 'Ed25519' ? key : null
  } catch {
    return null
  }
}
