/** What the user lets an agent submit, try again, and claim. */
import { PayloadRejectedError } from '../shared/errors.ts'
import type { Permissions } from './tool.ts'

const COMMAND = 'command'

/** @throws PayloadRejectedError if tasks of the type may not be submitted, nor tried again */
export function assertMaySubmit(type: string, permissions: Permissions): void {
  assertType(type, permissions)
  if (type !== COMMAND || permissions.commands) return
  throw new PayloadRejectedError(
    'shell commands cannot be submitted nor tried again from here: the user allows them with "hearsay mcp --allow-commands"'
  )
}

/** @throws PayloadRejectedError if tasks of the type may not be claimed */
export function assertMayClaim(type: string, permissions: Permissions): void {
  if (type === COMMAND) {
    throw new PayloadRejectedError('shell commands cannot be claimed: nodes run them by themselves')
  }
  assertType(type, permissions)
}

function assertType(type: string, { types }: Permissions): void {
  if (types === null || types.includes(type)) return
  throw new PayloadRejectedError(
    `tasks of the type "${type}" are not allowed here: the user allows ${types.join(', ')} with "hearsay mcp --types"`
  )
}
