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

const bulk = z.looseObject({})

/**
 * @param body of the request, as text
 * @returns the body that goes to the node
 * @throws NotPermittedError InvalidOptionError, or what the node says of the task
 */
export async function permitted(
  { kind, task }: Passed,
  body: string,
  { readOnly, allowSubmit }: Permissions,
  client: Pick<Client, 'get'>
): Promise<string> {
  if (kind === 'read') return body
  if (readOnly) {
    throw new NotPermittedError('this dashboard was started with --read-only: it changes nothing')
  }
  // The node looks at each task by itself: a filter may fit commands that were not there when it was made.
  if (kind === 'bulk') {
    return JSON.stringify({ ...check(bulk, parse(body)), allowCommands: allowSubmit })
  }
  if (allowSubmit) return body
  if (kind === 'submit') {
    throw new NotPermittedError('start the dashboard with --allow-submit to submit tasks from it')
  }
  if (kind === 'retry' && (await client.get(task ?? '')).type === COMMAND_TYPE) {
    throw new NotPermittedError(
      'a command runs as the user of a node: start the dashboard with --allow-submit to retry one from it'
    )
  }
  return body
}
