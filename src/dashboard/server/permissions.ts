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
  /** Commands may be submitted and retried. */
  allowSubmit: boolean
}>

/** The dashboard may not do that. Nothing was done. */
export class NotPermittedError extends Error {
  override readonly name = 'NotPermittedError'
}

const bulk = z.looseObject({})
const leaver = z.strictObject({ node: z.string() })
const submission = z.looseObject({ type: z.string() })

/**
 * @param body of the request, as text
 * @returns the body that goes to the node
 * @throws NotPermittedError InvalidOptionError, or what the node says of the task
 */
export async function permitted(
  { kind, task }: Passed,
  body: string,
  { readOnly, allowSubmit }: Permissions,
  client: Pick<Client, 'get' | 'status'>
): Promise<string> {
  if (kind === 'read') return body
  if (readOnly) {
    throw new NotPermittedError('this dashboard was started with --read-only: it changes nothing')
  }
  // The node looks at each task by itself: a filter may fit commands that were not there when it was made.
  if (kind === 'bulk') {
    return JSON.stringify({ ...check(bulk, parse(body)), allowCommands: allowSubmit })
  }
  if (kind === 'leave') return leaveOf(body, client)
  if (kind === 'submit') return submissionOf(body, allowSubmit)
  if (allowSubmit) return body
  if (kind === 'retry' && (await client.get(task ?? '')).type === COMMAND_TYPE) {
    throw new NotPermittedError(
      'a command runs as the user of a node: start the dashboard with --allow-submit to retry one from it'
    )
  }
  return body
}

/** Written anew, so that what goes to the node is what was looked at. */
function submissionOf(body: string, allowCommands: boolean): string {
  const given = check(submission, parse(body))
  if (given.type !== COMMAND_TYPE || allowCommands) return JSON.stringify(given)
  throw new NotPermittedError(
    'a command runs as the user of a node: start the dashboard with --allow-submit to submit one from it'
  )
}

/** The node that is asked may have become another one since the user has looked at it. */
async function leaveOf(body: string, client: Pick<Client, 'status'>): Promise<string> {
  const { node: meant } = check(leaver, parse(body))
  const { node } = await client.status()
  if (meant === node) return '{}'
  throw new NotPermittedError(`the dashboard asks ${node} now, and not ${meant}: nobody leaves`)
}
