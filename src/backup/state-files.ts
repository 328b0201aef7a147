/** The port `StateFiles` of one node: the format, the disk, and which cluster a file has to be of. */
import type { StateFiles } from '../ports/ports.ts'
import { readStateFile, writeStateFile } from './file.ts'
import { readState, stateText } from './format.ts'

/** @param node `computer/instance`, which its files name as their author */
export function stateFiles(cluster: string, fingerprint: string, node: string): StateFiles {
  return {
    text: (replica, savedAt, readBlob) =>
      stateText({ cluster, fingerprint, savedAt, node }, replica, readBlob),
    parse: (pieces, writeBlob, rekey) =>
      readState(pieces, { cluster, fingerprint: rekey ? null : fingerprint }, writeBlob),
    write: writeStateFile,
    read: readStateFile
  }
}
