/**
 * What clusters, computers, instances and log levels may be called, what a task's id looks like and which states it
 * goes through, for modules that must not load the whole schema.
 *
 * The names of nodes end up in paths, in mDNS and in terminals.
 * An instance has no dash: the last dash of a data folder's name, `<computer>-<instance>`, therefore parts the two.
 */
export const CLUSTER_NAME: RegExp = /^[a-z0-9][a-z0-9-]{0,31}$/
export const COMPUTER_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/
export const INSTANCE_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9_.]{0,31}$/

/** What a pool of a node may be called. */
export const POOL_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/

/** The type of tasks that are commands. Only nodes that were told to run commands take them. */
export const COMMAND_TYPE = 'command'

/** What a label of a node may be called. */
export const LABEL_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/
export const LABEL_VALUE_LENGTH_MAX = 128

/**
 * The label by which a node that runs commands says up to which revision it knows what they may ask for: that they are
 * given bytes, and that their result is what they printed. Nodes of before have none, and no version gives such a task
 * to a node without. No user can give a node this label, nor ask for it.
 */
export const COMMANDS_LABEL = '_commands'
export const COMMANDS_REVISION = 2

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
/** How much a node says of what it does, from everything to nothing. */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** A whole id: a UUIDv8. */
export const TASK_ID: RegExp =
  /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** In the order in which a task may go through them. */
export const TASK_STATES = [
  'waiting',
  'delayed',
  'queued',
  'running',
  'completed',
  'failed',
  'cancelled'
] as const
/** Where a task stands. The last three are for good. */
export type TaskState = (typeof TASK_STATES)[number]

/** What lists of tasks may be sorted by. */
export const TASK_SORTS = [
  'submittedAt',
  '-submittedAt',
  'startedAt',
  '-startedAt',
  'settledAt',
  '-settledAt',
  'durationMs',
  '-durationMs',
  'priority',
  '-priority',
  'type',
  '-type',
  'state',
  '-state',
  'node',
  '-node'
] as const
/** A field, from the least to the greatest; with `-` before it the other way round. */
export type TaskSort = (typeof TASK_SORTS)[number]

/** Whether a text is a node's name, `computer/instance`. */
export function isNodeName(name: string): boolean {
  const [computer, instance, ...rest] = name.split('/')
  return (
    rest.length === 0 && COMPUTER_NAME.test(computer ?? '') && INSTANCE_NAME.test(instance ?? '')
  )
}
