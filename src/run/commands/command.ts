/**
 * What a command task asks for: a program with its arguments, where to run it, and what it may read.
 *
 * The payload comes from elsewhere, so it is checked just before it is run, whatever was said when it was submitted. No
 * shell is involved unless the task asks for one, so that an argument is an argument whatever characters it has.
 */
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import type { Run } from '../../core/effect.ts'
import { PayloadRejectedError } from '../../shared/errors.ts'

/**
 * Bounds on arguments and variables: as many as Linux lets a program have of both together, more or less (`ARG_MAX` is
 * 2 MiB).
 */
const ARGUMENTS_MAX = 4096
const VARIABLES_MAX = 1024
const SHELL = '/bin/sh'
/** The key, or where it is. It lets its reader into the cluster; nothing that a node runs has a use for it. */
const SECRET = /^HEARSAY_KEY/

const text = z.string().refine(value => !value.includes('\0'), 'has a zero byte in it')

const schema = z.strictObject({
  argv: z.array(text).min(1).max(ARGUMENTS_MAX),
  cwd: text.refine(isAbsolute, 'is not an absolute path').optional(),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), text)
    .refine(env => Object.keys(env).length <= VARIABLES_MAX, `has more than ${VARIABLES_MAX} names`)
    .optional(),
  stdin: z.json().optional(),
  shell: z.boolean().optional()
})

/** A command, ready to be started. */
export type Command = Readonly<{
  file: string
  args: readonly string[]
  /** Null: where the node is. */
  cwd: string | null
  env: Readonly<Record<string, string | undefined>>
  stdin: string
}>

/** An environment without the cluster's key. */
export function withoutKey(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !SECRET.test(name)))
}

/** Why a payload, JSON text, is no command; null if it is one. */
export function commandRefusal(payload: string): string | null {
  try {
    check(JSON.parse(payload))
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** @throws PayloadRejectedError */
function check(payload: unknown): z.infer<typeof schema> {
  const { success, data, error } = schema.safeParse(payload)
  if (!success) {
    const { path, message } = error.issues[0]!
    const what = path.length === 0 ? 'the payload' : `${path.join('.')} of the payload`
    throw new PayloadRejectedError(
      `${what} of a command is not as it should be: ${message}; an example is {"argv":["echo","hello"]}`
    )
  }
  if (data.argv[0] === '') throw new PayloadRejectedError('the name of the command is empty')
  return data
}

/**
 * @param environment that of the node, of which the command gets all but the cluster key
 * @throws PayloadRejectedError
 */
export function commandOf(run: Run, payload: unknown, environment: NodeJS.ProcessEnv): Command {
  const { argv, cwd = null, env = {}, stdin = '', shell = false } = check(payload)
  const [file = '', ...args] = shell ? [SHELL, '-c', argv[0]!, SHELL, ...argv.slice(1)] : argv
  return {
    file,
    args,
    cwd,
    env: {
      ...withoutKey(environment),
      ...env,
      HEARSAY_TASK_ID: run.taskId,
      HEARSAY_ATTEMPT: String(run.attempt),
      HEARSAY_EPOCH: String(run.epoch),
      ...(run.traceparent === null ? {} : { TRACEPARENT: run.traceparent })
    },
    stdin: typeof stdin === 'string' ? stdin : JSON.stringify(stdin)
  }
}
