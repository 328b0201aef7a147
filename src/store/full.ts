/** What a full disk says, through Node and through LevelDB. */

/** As the kernel words it. */
const FULL = /No space left on device|Disk quota exceeded/

/** Whether the disk had no room for what was to be written. */
export function isFull(error: unknown): boolean {
  const { code, message, cause } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  if (code === 'ENOSPC' || code === 'EDQUOT') return true
  if (code === 'LEVEL_IO_ERROR' && FULL.test(message ?? '')) return true
  return cause !== undefined && isFull(cause)
}
