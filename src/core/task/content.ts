/**
 * What a task carries: JSON text while it is small, and otherwise the name of a blob that holds the text.
 *
 * Small texts travel with the record and are in every node's memory. A blob is named by its own hash, so the record
 * stays small, and a node that fetches the bytes, from wherever, can tell whether they are the right ones.
 */

/** SHA-256 of the blob's bytes, in 64 lower-case hexadecimal digits. */
export type BlobHash = string

/** Names a payload or result that is too large for the task's own record. */
export type BlobRef = Readonly<{ hash: BlobHash; bytes: number }>

/** JSON text, or the blob that holds it. */
export type Content = string | BlobRef

export function isBlob(content: Content | null): content is BlobRef {
  return content !== null && typeof content !== 'string'
}
