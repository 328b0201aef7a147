/**
 * All that a node keeps on disk, in one folder that one process uses at a time.
 */
import { join } from 'node:path'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { DataFolderError, DataFolderLockedError, DiskFullError } from '../shared/errors.ts'
import { makeFolder } from '../shared/xdg-paths.ts'
import type { Hlc } from '../core/base/hlc.ts'
import type { Journal } from '../ports/ports.ts'
import { BlobFiles } from './blobs.ts'
import { BootFile } from './boot-file.ts'
import { DatabaseFolder } from './database.ts'
import { occupant, occupyFolder, prepareFolder, vacateFolder } from './folder.ts'
import { isFull } from './full.ts'
import { loadIdentity } from './identity.ts'
import { LevelJournal } from './journal.ts'
import { PeersFile, type RememberedPeer } from './peers-file.ts'

export type StoreOptions = {
  /** Hears of damaged values in the journal, and of damaged blobs. @default nobody */
  log?: { warn(message: string): void }
}

export interface Store {
  /** The node's identity, made when the folder was. */
  readonly privateKey: Ed25519PrivateKey
  readonly journal: Journal
  readonly blobs: BlobFiles
  /** The start time of a new boot: later than that of every boot before it, also if the clock was set back. */
  nextStart(now: Hlc): Promise<Hlc>
  /** Empty if there are none, or if they cannot be read. */
  loadAddresses(): Promise<RememberedPeer[]>
  saveAddresses(peers: readonly RememberedPeer[]): Promise<void>
  /** Also closes the journal. The folder is free for another process then. */
  close(): Promise<void>
}

/**
 * Opens the folder, and makes it if it is missing.
 *
 * @throws DataFolderLockedError DataFolderError DiskFullError
 */
export async function openStore(folder: string, options: StoreOptions = {}): Promise<Store> {
  try {
    await prepareFolder(folder)
    // LevelDB would make it by `recursive`, see there.
    await makeFolder(join(folder, 'journal'))
    const opened = await openDatabase(folder, options.log)
    try {
      await occupyFolder(folder)
      return assemble(folder, opened, await loadIdentity(folder), options)
    } catch (error) {
      await vacateFolder(folder)
      await opened.close()
      throw error
    }
  } catch (error) {
    if (error instanceof DataFolderError || error instanceof DataFolderLockedError) throw error
    throw unusable(folder, error)
  }
}

async function openDatabase(folder: string, log: StoreOptions['log']): Promise<DatabaseFolder> {
  const database = new DatabaseFolder(folder, what =>
    log?.warn(
      `the journal in ${folder} is damaged: ${what}. What can be read of it is used, and what is missing is fetched from ` +
        'peers that have it; what no peer has is lost'
    )
  )
  try {
    await database.open()
    // LevelDB's lock is on the folder itself, not on a copy of it.
    const other = database.failure === null ? null : await occupant(folder)
    if (other === null || other === process.pid) return database
    await database.close()
    throw inUse(folder, other)
  } catch (error) {
    if (codeOfCause(error) !== 'LEVEL_LOCKED') throw error
    throw inUse(folder, await occupant(folder))
  }
}

function inUse(folder: string, pid: number | null): DataFolderLockedError {
  const who = pid === null ? 'another process' : `process ${pid}`
  return new DataFolderLockedError(
    `the data folder ${folder} is in use by ${who}; stop it, or choose another folder or instance`
  )
}

function assemble(
  folder: string,
  opened: DatabaseFolder,
  privateKey: Ed25519PrivateKey,
  { log }: StoreOptions
): Store {
  const boot = new BootFile(join(folder, 'boot'))
  const journal = new LevelJournal(
    opened,
    (key, why) =>
      log?.warn(`the value of ${key} in the journal is damaged and is given up: ${why}`),
    () => boot.flush()
  )
  const peers = new PeersFile(join(folder, 'peers.json'))
  return {
    privateKey,
    journal,
    blobs: new BlobFiles(folder, hash =>
      log?.warn(
        `the blob ${hash} is damaged and is given up: it is fetched from a peer that has it`
      )
    ),
    nextStart: now => boot.next(now),
    loadAddresses: () => peers.load(),
    saveAddresses: remembered => peers.save(remembered),
    close: async () => {
      await peers.close()
      if (opened.database.status === 'open' || opened.failure !== null) await vacateFolder(folder)
      await journal.close()
    }
  }
}

function codeOfCause(error: unknown): string | undefined {
  return ((error as Error | null)?.cause as NodeJS.ErrnoException | undefined)?.code
}

/** What is wrong with the folder, and what to do, in one line. */
function unusable(folder: string, error: unknown): Error {
  const { message, cause } = error as Error
  const inner = cause instanceof Error ? cause : (error as Error)
  const { code = '' } = inner as NodeJS.ErrnoException
  const why = cause instanceof Error ? cause.message : message
  if (isFull(error)) {
    return new DiskFullError(
      `the disk of the data folder ${folder} is full (${why}): make room there, or choose another folder with --data`,
      { cause: error }
    )
  }
  return new DataFolderError(
    `cannot use the data folder ${folder}: ${why}; ${CURES[code] ?? 'make it writable, or choose another one with --data'}`
  )
}

/** By what the file system says. */
const CURES: Readonly<Record<string, string>> = {
  EEXIST: 'something else is there: choose another folder with --data',
  ENOTDIR: 'a file is in its way: choose another folder with --data',
  ENOENT: 'no folder can be made there: choose another one with --data',
  EROFS: 'that file system is read-only: choose another folder with --data',
  EACCES: 'give this user the right to write there, or choose another folder with --data',
  EPERM: 'the folder has to belong to this user: give it to it, or choose another one with --data'
}
