/** The floor of blobs: payloads and results that are too large for the log. */
export { BlobReplication } from './blob-replication.ts'
