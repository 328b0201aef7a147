/**
 * Where the options of a node come from: flags, then HEARSAY_* variables, then a config file. The first that says
 * something about an option decides it, alone; lists are not joined.
 *
 * The key and the file with the key are one option in two forms: a flag that names a file must not lose against a
 * variable that holds a key.
 */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Quorum } from '../../core/options.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { jsonFault, parseJson, utf8Text } from '../../shared/json/json-text.ts'
import { parsePool } from './pool-flags.ts'
import {
  checkNodeOptions,
  nearest,
  NODE_OPTION_NAMES,
  type NodeOptions
} from '../../node-options.ts'

/** Texts as they stand in variables, and on the command line where it has none of its own types. */
type Parse = (text: string) => unknown

const parseList: Parse = text => text.split(/[\s,]+/).filter(part => part !== '')
const parseText: Parse = text => text

const isSwitch = (text: string): boolean => text === 'true' || text === 'false'
const parseSwitch: Parse = text => (isSwitch(text) ? text === 'true' : text)
const parseWhole: Parse = text => (/^\d+$/.test(text) ? Number(text) : text)

/** Whatever is not understood stays text, and is refused like all that is wrong. */
const PARSE: Readonly<Record<keyof NodeOptions, Parse>> = {
  cluster: parseText,
  computer: parseText,
  instance: parseText,
  data: parseText,
  key: parseText,
  keyFile: parseText,
  listen: parseList,
  peers: parseList,
  http: text => (text === 'false' ? false : text),
  mdns: text => (isSwitch(text) ? text === 'true' : { interface: text }),
  roster: parseList,
  handlers: parseList,
  commands: parseSwitch,
  concurrency: parseWhole,
  // Types and labels within a pool are parted by commas.
  pools: text => text.trim().split(/\s+/).map(parsePool),
  labels: text => parseLabels(parseList(text) as string[]),
  acks: parseWhole,
  quorum: parseWhole,
  stopAfterIsolated: parseText,
  settledMax: parseWhole,
  grace: parseText,
  logLevel: parseText
}

/** `3` as a number; anything else is checked where all options are. */
export function parseQuorum(text: string): Quorum {
  return parseWhole(text) as Quorum
}

/** Variables of this prefix that are no options of a node: for client verbs, and set for commands that tasks run. */
const OTHER_VARIABLES = ['CONFIG', 'NODE', 'TASK_ID', 'ATTEMPT', 'EPOCH', 'RESULT_FILE']
const PREFIX = 'HEARSAY_'

/** What a node is told, and who said so: a flag, a variable or a file for each option; defaults are not in it. */
export type Settings = Readonly<{
  options: NodeOptions
  sources: Readonly<Partial<Record<string, string>>>
  /** The config file, if there is one. */
  file: string | null
}>

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
): Promise<Settings> {
  const file = configFile ?? (env[`${PREFIX}CONFIG`] || null)
  const layers: readonly (readonly [NodeOptions, (name: string) => string])[] = [
    [file === null ? {} : await fromFile(file), () => String(file)],
    [fromEnvironment(env), variableOf],
    [checkNodeOptions(flags), flagOf]
  ]
  let options: NodeOptions = {}
  const sources: Partial<Record<string, string>> = {}
  for (const [above, sourceOf] of layers) {
    const merged = { ...options, ...above }
    if (above.key !== undefined && above.keyFile === undefined) delete merged.keyFile
    if (above.keyFile !== undefined && above.key === undefined) delete merged.key
    options = merged
    for (const name of Object.keys(above)) sources[name] = sourceOf(name)
  }
  return { options, sources, file }
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
      options[name] = PARSE[name as keyof NodeOptions](text)
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
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new InvalidOptionError(`the config file ${file} cannot be read (${error.code})`)
  })
  const options = checked(valueOf(bytes, file), file)
  const absolute = (path: string): string => resolve(dirname(file), path)
  const { data, keyFile, handlers } = options
  return {
    ...options,
    ...(data === undefined ? {} : { data: absolute(data) }),
    ...(keyFile === undefined ? {} : { keyFile: absolute(keyFile) }),
    ...(handlers === undefined ? {} : { handlers: handlers.map(absolute) })
  }
}

function valueOf(bytes: Uint8Array, file: string): unknown {
  try {
    return parseJson(utf8Text(bytes))
  } catch (error) {
    throw new InvalidOptionError(`the config file ${file} ${jsonFault(error)}`)
  }
}

function checked(options: unknown, source: string): NodeOptions {
  try {
    return checkNodeOptions(options)
  } catch (error) {
    throw new InvalidOptionError(`${source}: ${(error as Error).message}`)
  }
}

/** Options whose flags say them piece by piece, or only one of what they can be. */
const FLAGS: Readonly<Record<string, string>> = {
  labels: 'label',
  peers: 'peer',
  pools: 'pool',
  mdns: 'no-mdns'
}

/** `keyFile` is --key-file. */
function flagOf(name: string): string {
  return `--${FLAGS[name] ?? name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}

/** `keyFile` is HEARSAY_KEY_FILE. */
function variableOf(name: string): string {
  return PREFIX + name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}
