/**
 * What clusters, computers, instances and log levels may be called, for whoever must not load the whole schema.
 *
 * The names end up in paths, in mDNS and in terminals.
 * An instance has no dash: the last dash of a data folder's name, `<computer>-<instance>`, therefore parts the two.
 */
export const CLUSTER_NAME: RegExp = /^[a-z0-9][a-z0-9-]{0,31}$/
export const COMPUTER_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/
export const INSTANCE_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9_.]{0,31}$/

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Whether a text is a node's name, `computer/instance`. */
export function isNodeName(name: string): boolean {
  const [computer, instance, ...rest] = name.split('/')
  return (
    rest.length === 0 && COMPUTER_NAME.test(computer ?? '') && INSTANCE_NAME.test(instance ?? '')
  )
}
