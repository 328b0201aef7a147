/**
 * Arguments are texts, and Node reads them as UTF-8: what is not, such as a file name of an old file system, would arrive as
 * another one. So it is refused.
 */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { InvalidOptionError } from '../shared/errors.ts'

/** What Node makes of bytes that are no UTF-8. Somebody may mean it, too. */
const REPLACEMENT = '\ufffd'

/** @throws InvalidOptionError */
export function assertUtf8(argv: readonly string[]): void {
  const place = argv.findIndex(argument => argument.includes(REPLACEMENT))
  if (place < 0 || isMeant()) return
  throw new InvalidOptionError(
    `argument ${place + 1} is not UTF-8, and would not arrive as it is (${argv[place]}): write it as UTF-8, or hand it over in a file`
  )
}

/** Whether our arguments are UTF-8 all the same, if the system tells. */
function isMeant(): boolean {
  try {
    return isUtf8(readFileSync('/proc/self/cmdline'))
  } catch {
    return false
  }
}
