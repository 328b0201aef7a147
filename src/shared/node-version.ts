/** Which Node hearsay needs. An older one fails at whatever comes first, with a message that helps nobody. */
import { UnsupportedNodeError } from './errors.ts'

/** The same as bin/hearsay.js says, which may import nothing, and as `engines` of package.json. */
const NEEDED = [22, 18] as const

/** @param version such as `22.18.0` @throws UnsupportedNodeError */
export function assertNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return
  throw new UnsupportedNodeError(
    `hearsay needs Node ${NEEDED.join('.')} or newer, this is v${version}: install a newer Node (https://nodejs.org)`
  )
}
