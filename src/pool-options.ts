/**
 * What a pool may be told: one of a node's own, by a program, a config file, the environment or flags; or one of a
 * process that works for a node, by its request. All say the same words, so they are checked here, once.
 */
import { utf8Length } from './core/base/utf8.ts'
import { DEFAULT_POOL } from './core/message.ts'
import { NODE_LIMITS, TASK_LIMITS } from './core/options.ts'
import { InvalidOptionError } from './shared/errors.ts'
import { COMMAND_TYPE, LABEL_NAME, LABEL_VALUE_LENGTH_MAX, POOL_NAME } from './shared/names.ts'

/** A pool: slots for tasks of some types, apart from those of all others. */
export type PoolOptions = {
  /** Letters, digits, dots, dashes and underscores, at most 32. `default` is the pool of all other types. */
  name: string
  /** How many of its tasks are run at once. */
  slots: number
  /** Types of tasks that run in this pool. Another pool may name the same ones. */
  types: readonly string[]
  /** Labels of this pool, beside those of the node. @default none */
  labels?: Readonly<Record<string, string>>
}

export type CheckedPool = Readonly<Required<PoolOptions>>

/** Guess: far above what one computer runs at once, low enough to catch a slip of the keyboard. */
export const SLOTS_MAX = 1024
/** Heartbeats carry the labels, every second, to all members. */
export const LABELS_MAX = 32

const FIELDS: readonly string[] = ['name', 'slots', 'types', 'labels']

/**
 * Checks one pool, and fills in its defaults.
 *
 * @throws InvalidOptionError naming the pool, what is wrong with it and what is allowed
 */
export function checkPool(pool: unknown): CheckedPool {
  if (typeof pool !== 'object' || pool === null || Array.isArray(pool)) {
    throw new InvalidOptionError(
      `a pool is an object such as { "name": "model", "slots": 1, "types": ["embed"] }, not ${shown(pool)}`
    )
  }
  const { name, slots, types, labels = {} } = pool as Partial<PoolOptions>
  const unknown = Object.keys(pool).find(key => !FIELDS.includes(key))
  const named = typeof name === 'string' ? `the pool ${name}` : 'a pool'
  if (unknown !== undefined) {
    throw new InvalidOptionError(`${named} has no ${unknown}: a pool has ${FIELDS.join(', ')}`)
  }
  checkName(name)
  if (!Number.isSafeInteger(slots) || slots! < 1 || slots! > SLOTS_MAX) {
    throw new InvalidOptionError(
      `${named} cannot have ${shown(slots)} slots: allowed is a whole number from 1 to ${SLOTS_MAX}`
    )
  }
  checkTypes(named, types)
  checkLabels(named, labels)
  return { name: name!, slots: slots!, types: [...types!].sort(), labels: { ...labels } }
}

/**
 * Checks the pools of a node's own, and fills in their defaults.
 *
 * @throws InvalidOptionError
 */
export function checkPools(pools: unknown): readonly CheckedPool[] {
  if (!Array.isArray(pools)) {
    throw new InvalidOptionError(`pools cannot be ${shown(pools)}: allowed is a list of pools`)
  }
  const checked = pools.map(checkPool)
  assertPoolsFit(checked)
  return checked
}

/**
 * Whether these can be pools of a node that runs no commands. Where the options of a node come from several places, only
 * all of them together say whether it does.
 *
 * @throws InvalidOptionError
 */
export function assertNoCommands(pools: readonly CheckedPool[]): void {
  const shell = pools.find(({ types }) => types.includes(COMMAND_TYPE))
  if (shell === undefined) return
  throw new InvalidOptionError(
    `the pool ${shell.name} names the type ${COMMAND_TYPE}, and this node runs no commands: switch them on (--commands), or leave the type out`
  )
}

/**
 * Whether a node can have all of these at once: it tells all others of its pools, every second.
 *
 * @throws InvalidOptionError
 */
export function assertPoolsFit(pools: readonly CheckedPool[]): void {
  const { poolsMax, poolTypesMax, handlersBytesMax, labelsBytesMax } = NODE_LIMITS
  if (pools.length > poolsMax) {
    throw new InvalidOptionError(
      `${pools.length} pools are too many for one node: allowed are ${poolsMax}; use another node for the rest`
    )
  }
  const names = new Set<string>()
  for (const { name } of pools) {
    if (names.has(name)) {
      throw new InvalidOptionError(`there are two pools of the name ${name}: give each its own`)
    }
    names.add(name)
  }
  const types = pools.flatMap(pool => pool.types)
  const bytes = utf8Length(types.join(''))
  if (types.length > poolTypesMax || bytes > handlersBytesMax) {
    throw new InvalidOptionError(
      `the pools of one node name at most ${poolTypesMax} types, of ${handlersBytesMax} bytes in all, and these name ${types.length}, of ${bytes}: use fewer types, or another node`
    )
  }
  const labels = pools.flatMap(pool => Object.entries(pool.labels).flat())
  if (utf8Length(labels.join('')) > labelsBytesMax) {
    throw new InvalidOptionError(
      `the labels of all pools of one node have at most ${labelsBytesMax} bytes: use fewer, or shorter ones`
    )
  }
}

function checkName(name: unknown): void {
  if (typeof name !== 'string' || !POOL_NAME.test(name)) {
    throw new InvalidOptionError(
      `a pool cannot be called ${shown(name)}: allowed are up to ${NODE_LIMITS.poolNameLengthMax} letters, digits, dots, dashes and underscores, a letter or digit first`
    )
  }
  if (name !== DEFAULT_POOL) return
  throw new InvalidOptionError(
    `no pool can be called ${DEFAULT_POOL}: that is the one of all types that no other names, and has as many slots as "concurrency" says`
  )
}

function checkTypes(named: string, types: unknown): void {
  const { typeLengthMax } = TASK_LIMITS
  if (!Array.isArray(types) || types.length === 0) {
    throw new InvalidOptionError(`${named} needs types: a list of at least one type of task`)
  }
  for (const type of types as unknown[]) {
    const isType = typeof type === 'string' && type.length > 0 && type.length <= typeLengthMax
    // Half a character has no UTF-8: the heartbeat that names the type could not be sent.
    if (isType && type.isWellFormed()) continue
    throw new InvalidOptionError(
      `${named} cannot run the type ${shown(type)}: a type is a text of 1 to ${typeLengthMax} whole characters`
    )
  }
  const { handlersMax } = NODE_LIMITS
  if (types.length > handlersMax) {
    throw new InvalidOptionError(
      `${named} names ${types.length} types, and ${handlersMax} are allowed: use another pool for the rest`
    )
  }
  const twice = types.find((type, i) => types.indexOf(type) !== i)
  if (twice !== undefined) throw new InvalidOptionError(`${named} names the type ${twice} twice`)
}

function checkLabels(named: string, labels: unknown): void {
  const allowed = `allowed are up to ${LABELS_MAX} names with texts of at most ${LABEL_VALUE_LENGTH_MAX} characters, such as { "gpu": "1" }`
  const isObject = typeof labels === 'object' && labels !== null && !Array.isArray(labels)
  const entries: [string, unknown][] = isObject ? Object.entries(labels) : []
  const isLabel = ([name, value]: [string, unknown]): boolean =>
    LABEL_NAME.test(name) &&
    typeof value === 'string' &&
    value.length <= LABEL_VALUE_LENGTH_MAX &&
    value.isWellFormed()
  if (isObject && entries.length <= LABELS_MAX && entries.every(isLabel)) return
  throw new InvalidOptionError(`${named} cannot have the labels ${shown(labels)}: ${allowed}`)
}

/** A refused value, shortened. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}
