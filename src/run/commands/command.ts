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

/** What the result of a command may be, in place of how it ended. */
const RESULT_SOURCES = ['stdout'] as const

const text = z.string().refine(value => !value.includes('\0'), 'has a zero byte in it')

const schema = z.strictObject({
  argv: z.array(text).min(1).max(ARGUMENTS_MAX),
  cwd: text.refine(isAbsolute, 'is not an absolute path').optional(),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), text)
    .refine(env => Object.keys(env).length <= VARIABLES_MAX, `has more than ${VARIABLES_MAX} names`)
    .optional(),
  stdin: z.json().optional(),
  stdinBase64: z.string().refine(isBase64, 'is not base64').optional(),
  shell: z.boolean().optional(),
  resultFrom: z.enum(RESULT_SOURCES).optional()
})

/** A command, ready to be started. */
export type Command = Readonly<{
  file: string
  args: readonly string[]
  /** Null: where the node is. */
  cwd: string | null
  env: Readonly<Record<string, string | undefined>>
  stdin: string | Uint8Array
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
  if (data.stdin !== undefined && data.stdinBase64 !== undefined) {
    throw new PayloadRejectedError('a command has stdin or stdinBase64, not both')
  }
  if (data.argv[0] === '') throw new PayloadRejectedError('the name of the command is empty')
  return data
}

/** A command as a run of it needs it. */
export type CommandRun = Readonly<{
  command: Command
  /** What its result is, unless it leaves one in its file: how it ended, or what it printed. */
  resultFrom: (typeof RESULT_SOURCES)[number] | null
}>

/**
 * @param environment that of the node, of which the command gets all but the cluster key
 * @param resultFile where the command may leave a result
 * @throws PayloadRejectedError
 */
export function commandOf(
  run: Run,
  payload: unknown,
  environment: NodeJS.ProcessEnv,
  resultFile: string
): CommandRun {
  const { argv, cwd = null, env = {}, shell = false, resultFrom = null, ...given } = check(payload)
  const [file = '', ...args] = shell ? [SHELL, '-c', argv[0]!, SHELL, ...argv.slice(1)] : argv
  const command = {
    file,
    args,
    cwd,
    env: {
      ...withoutKey(environment),
      ...env,
      HEARSAY_TASK_ID: run.taskId,
      HEARSAY_ATTEMPT: String(run.attempt),
      HEARSAY_EPOCH: String(run.epoch),
      HEARSAY_RESULT_FILE: resultFile,
      ...(run.traceparent === null ? {} : { TRACEPARENT: run.traceparent })
    },
    stdin: stdinOf(given)
  }
  return { command, resultFrom }
}

function stdinOf({
  stdin = '',
  stdinBase64
}: Pick<z.infer<typeof schema>, 'stdin' | 'stdinBase64'>): string | Uint8Array {
  if (stdinBase64 !== undefined) return Buffer.from(stdinBase64, 'base64')
  return typeof stdin === 'string' ? stdin : JSON.stringify(stdin)
}

function isBase64(given: string): boolean {
  return given.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(given)
}
