/**
 * Where the options of a node come from: flags, then HEARSAY_* variables, then a config file. The first that says
 * something about an option decides it, alone; lists are not joined.
 *
 * The key and the file with the key are one option in two forms: a flag that names a file must not lose against a
 * variable that holds a key.
 */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { InvalidOptionError } from '../errors.ts'
import { checkNodeOptions, nearest, NODE_OPTION_NAMES, type NodeOptions } from '../node-options.ts'

/** Texts as they stand in variables, and on the command line where it has none of its own types. */
type Parse = (text: string) => unknown

const parseList: Parse = text => text.split(/[\s,]+/).filter(part => part !== '')
const parseText: Parse = text => text

/** Options that are no texts. */
const PARSE: Readonly<Partial<Record<keyof NodeOptions, Parse>>> = {
  listen: parseList,
  peers: parseList,
  roster: parseList,
  handlers: parseList,
  commands: text => (['true', 'false'].includes(text) ? text === 'true' : text),
  concurrency: text => (/^\d+$/.test(text) ? Number(text) : text),
  labels: text => parseLabels(parseList(text) as string[]),
  mdns: text => (['true', 'false'].includes(text) ? text === 'true' : { interface: text })
}

/** Variables of this prefix that are no options of a node: for client verbs, and set for commands that tasks run. */
const OTHER_VARIABLES = ['CONFIG', 'NODE', 'TASK_ID', 'ATTEMPT', 'EPOCH']
const PREFIX = 'HEARSAY_'

/**
 * Merges what was said, by precedence.
 *
 * @param flags options from the command line; those that were not given are absent
 * @param configFile the file named by a flag; without one, HEARSAY_CONFIG may name it
 * @throws InvalidOptionError
 */
export async function readNodeOptions(
  flags: NodeOptions,
  configFile: string | undefined,
  env: NodeJS.ProcessEnv
): Promise<NodeOptions> {
  const file = configFile ?? env[`${PREFIX}CONFIG`]
  const layers = [
    file === undefined ? {} : await fromFile(file),
    fromEnvironment(env),
    checkNodeOptions(flags)
  ]
  return layers.reduce((below, above) => {
    const merged = { ...below, ...above }
    if (above.key !== undefined && above.keyFile === undefined) delete merged.keyFile
    if (above.keyFile !== undefined && above.key === undefined) delete merged.key
    return merged
  }, {})
}

/**
 * `["gpu=1", "disk=ssd"]` as an object.
 *
 * @throws InvalidOptionError
 */
export function parseLabels(pairs: readonly string[]): Record<string, string> {
  const labels = pairs.map((pair): [string, string] => {
    const equals = pair.indexOf('=')
    if (equals > 0) return [pair.slice(0, equals), pair.slice(equals + 1)]
    throw new InvalidOptionError(`label cannot be "${pair}": it is name=value, such as gpu=1`)
  })
  return Object.fromEntries(labels)
}

function fromEnvironment(env: NodeJS.ProcessEnv): NodeOptions {
  const names = new Map(NODE_OPTION_NAMES.map(name => [variableOf(name), name]))
  const known = [...names.keys(), ...OTHER_VARIABLES.map(name => PREFIX + name)]
  const options: Record<string, unknown> = {}
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text === '') continue
    const name = names.get(variable)
    if (name !== undefined) {
      options[name] = (PARSE[name as keyof NodeOptions] ?? parseText)(text)
    } else if (!known.includes(variable)) {
      throw new InvalidOptionError(
        `${variable} is no setting: did you mean ${nearest(variable, known)}?`
      )
    }
  }
  // Both are set: the order of findKey.
  if ('key' in options) delete options['keyFile']
  return checked(options, 'environment')
}

async function fromFile(file: string): Promise<NodeOptions> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InvalidOptionError(`the config file ${file} cannot be read (${error.code})`)
  })
  const options = checked(parseJson(text, file), file)
  const absolute = (path: string): string => resolve(dirname(file), path)
  const { data, keyFile, handlers } = options
  return {
    ...options,
    ...(data === undefined ? {} : { data: absolute(data) }),
    ...(keyFile === undefined ? {} : { keyFile: absolute(keyFile) }),
    ...(handlers === undefined ? {} : { handlers: handlers.map(absolute) })
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidOptionError(`the config file ${file} is not JSON: ${(error as Error).message}`)
  }
}

function checked(options: unknown, source: string): NodeOptions {
  try {
    return checkNodeOptions(options)
  } catch (error) {
    throw new InvalidOptionError(`${source}: ${(error as Error).message}`)
  }
}

/** `keyFile` is HEARSAY_KEY_FILE. */
function variableOf(name: string): string {
  return PREFIX + name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}
