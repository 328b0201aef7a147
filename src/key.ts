/**
 * The cluster key: one line of text that every node of a cluster has, and no other.
 *
 * The line says what it is (`hearsay-key-1:`) and ends in a checksum, so that a slip in copying it is noticed at once
 * rather than as a node that silently finds no other. What guards the network is not the key itself but a secret
 * derived from it and the cluster's name: two clusters that were given one key by mistake still do not connect.
 */
import { createHash, hkdfSync, randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InvalidOptionError, NoClusterKeyError } from './shared/errors.ts'
import { configHome, makeFolder } from './shared/xdg-paths.ts'

export type KeySearch = {
  /** The key itself. */
  key?: string | null
  /** A file with it. */
  keyFile?: string | null
  /** @default "default" */
  cluster?: string
  /** @default process.env */
  env?: NodeJS.ProcessEnv
}

export type FoundKey = Readonly<{
  key: Uint8Array
  /** Where it was: a file, or the name of a variable or option. */
  source: string
  /** Such as: others on this computer can read the file. */
  warnings: readonly string[]
}>

const PREFIX = 'hearsay-key-1:'
/** What a pre-shared key of libp2p has, too. */
const KEY_BYTES = 32
/** One slip in four thousand million goes unnoticed; with the key a multiple of 3, so that base64 needs no padding. */
const CHECKSUM_BYTES = 4
const FINGERPRINT_BYTES = 4
/** A key file is one line; whatever is larger is some other file. */
const KEY_FILE_BYTES_MAX = 4096

/** A new key, as text. */
export function newKey(): string {
  return formatKey(randomBytes(KEY_BYTES))
}

/** A key as one line of text. */
export function formatKey(key: Uint8Array): string {
  return PREFIX + Buffer.concat([key, checksum(key)]).toString('base64url')
}

/**
 * The key that a line of text stands for. White space round it is ignored. No error message repeats the text.
 *
 * @throws InvalidOptionError
 */
export function parseKey(text: string): Uint8Array {
  const line = text.trim()
  if (!line.startsWith(PREFIX)) {
    throw new InvalidOptionError(
      `that is no cluster key: a key is one line that begins with ${PREFIX}; "hearsay key new" makes one`
    )
  }
  const encoded = line.slice(PREFIX.length)
  const bytes = Buffer.from(encoded, 'base64url')
  if (bytes.length !== KEY_BYTES + CHECKSUM_BYTES || bytes.toString('base64url') !== encoded) {
    throw new InvalidOptionError(
      'the cluster key is cut off, or has characters too many: copy the whole line again'
    )
  }
  const key = bytes.subarray(0, KEY_BYTES)
  if (!checksum(key).equals(bytes.subarray(KEY_BYTES))) {
    throw new InvalidOptionError(
      'the cluster key has a wrong character somewhere: its checksum does not fit, copy the line again'
    )
  }
  return Uint8Array.from(key)
}

/**
 * Looks for the key: `key`, `keyFile`, HEARSAY_KEY, HEARSAY_KEY_FILE, the cluster's own file; the first that is given
 * counts, and has to be right.
 *
 * @throws NoClusterKeyError if there is none anywhere
 * @throws InvalidOptionError if it is not a key, or its file cannot be read
 */
export async function findKey(search: KeySearch = {}): Promise<FoundKey> {
  const { key, keyFile, cluster = 'default', env = process.env } = search
  if (key) return given(key, 'the option key')
  if (keyFile) return fromFile(keyFile)
  if (env['HEARSAY_KEY']) return given(env['HEARSAY_KEY'], 'HEARSAY_KEY')
  if (env['HEARSAY_KEY_FILE']) return fromFile(env['HEARSAY_KEY_FILE'])
  const file = keyPath(cluster, env)
  const found = await fromFile(file, true)
  if (found !== null) return found
  const name = cluster === 'default' ? '' : ` --cluster ${cluster}`
  throw new NoClusterKeyError(
    `there is no key for the cluster "${cluster}" (looked for ${file}, HEARSAY_KEY and HEARSAY_KEY_FILE): ` +
      `make one with "hearsay key new --save${name}", and copy it to the other computers of the cluster`
  )
}

/** Where the key of a cluster is kept: `$XDG_CONFIG_HOME/hearsay/<cluster>.key`. */
export function keyPath(cluster: string, env: NodeJS.ProcessEnv = process.env): string {
  return join(configHome(env), `${cluster}.key`)
}

/**
 * Keeps a key in a new file that only its owner can read.
 *
 * @throws InvalidOptionError if the file exists: the nodes that use it would lose their cluster
 */
export async function saveKey(key: string, file: string): Promise<void> {
  await makeFolder(dirname(file))
  const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new InvalidOptionError(
      `${file} already holds a key: use it, or move it away first if the cluster shall get a new one`
    )
  })
  try {
    await handle.writeFile(`${key}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * What the network gets to know: `psk` is the 32 bytes of its pre-shared key, `fingerprint` (8 hex digits) tells keys
 * apart and may be shown to anybody. Both depend on the key and on the name of the cluster.
 */
export function deriveKeys(
  key: Uint8Array,
  cluster: string
): { psk: Uint8Array; fingerprint: string } {
  const derive = (purpose: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', key, cluster, `hearsay ${purpose}`, bytes))
  return {
    psk: Uint8Array.from(derive('psk', KEY_BYTES)),
    fingerprint: derive('fingerprint', FINGERPRINT_BYTES).toString('hex')
  }
}

function checksum(key: Uint8Array): Buffer {
  return createHash('sha256').update(PREFIX).update(key).digest().subarray(0, CHECKSUM_BYTES)
}

function given(text: string, source: string): FoundKey {
  return { key: parseKey(text), source, warnings: [] }
}

async function fromFile(file: string): Promise<FoundKey>
async function fromFile(file: string, optional: true): Promise<FoundKey | null>
async function fromFile(file: string, optional = false): Promise<FoundKey | null> {
  try {
    const { text, readableByOthers } = await readKeyFile(file)
    const warnings = readableByOthers
      ? [`others on this computer can read the cluster key in ${file}: run "chmod 600 ${file}"`]
      : []
    return { key: parseKey(text), source: file, warnings }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (optional && code === 'ENOENT') return null
    throw new InvalidOptionError(
      code === undefined
        ? `${file}: ${message}`
        : `the key file ${file} cannot be read (${code}): check its path and who may read it`
    )
  }
}

async function readKeyFile(file: string): Promise<{ text: string; readableByOthers: boolean }> {
  const handle = await open(file, 'r')
  try {
    const { mode } = await handle.stat()
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(KEY_FILE_BYTES_MAX), 0)
    return {
      text: buffer.toString('utf8', 0, bytesRead),
      readableByOthers: (mode & 0o077) !== 0
    }
  } finally {
    await handle.close()
  }
}
