/**
 * What a page may change, as the user of the verb has said. A task of the type `command` is a program that runs as the
 * user of a node: whoever can have one run can do all that this user can, so neither submitting nor retrying one goes
 * without `--allow-submit`.
 */
import { z } from 'zod'
import type { Client } from '../../api/client.ts'
import { check, parse } from '../../api/request.ts'
import { COMMAND_TYPE } from '../../shared/names.ts'
import type { Passed } from './routes.ts'

export type Permissions = Readonly<{
  /** Nothing may be changed. */
  readOnly: boolean
  /** Tasks may be submitted, and commands retried. */
  allowSubmit: boolean
}>

/** The dashboard may not do that. Nothing was done. */
export class NotPermittedError extends Error {
  override readonly name = 'NotPermittedError'
}

const bulk = z.looseObject({
  action: z.enum(['cancel', 'retry']),
  filter: z.looseObject({ type: z.string().optional() })
})

/**
 * @param body of the request, as text
 * @throws NotPermittedError InvalidOptionError, or what the node says of the task
 */
export async function checkPermission(
  { kind, task }: Passed,
  body: string,
  { readOnly, allowSubmit }: Permissions,
  client: Pick<Client, 'get'>
): Promise<void> {
  if (kind === 'read') return
  if (readOnly) {
    throw new NotPermittedError('this dashboard was started with --read-only: it changes nothing')
  }
  if (allowSubmit) return
  if (kind === 'submit') {
    throw new NotPermittedError('start the dashboard with --allow-submit to submit tasks from it')
  }
  if (kind === 'retry' && (await client.get(task ?? '')).type === COMMAND_TYPE) refuseCommand()
  if (kind === 'bulk') checkBulk(body)
}

/** A filter without a type may fit commands, also some that are submitted a moment later. */
function checkBulk(body: string): void {
  const { action, filter } = check(bulk, parse(body))
  if (action === 'cancel') return
  if (filter.type === undefined) {
    throw new NotPermittedError(
      'without --allow-submit, many tasks are retried one type at a time: choose a type first'
    )
  }
  if (filter.type === COMMAND_TYPE) refuseCommand()
}

function refuseCommand(): never {
  throw new NotPermittedError(
    'a command runs as the user of a node: start the dashboard with --allow-submit to retry one from it'
  )
}
