/**
 * What verbs have in common, said once: how one is begun, the options that all of them share, and the node that client
 * verbs talk to.
 *
 * A verb is a file in `commands/` that exports `register`, and a line in the table of `main.ts`. It begins with `verb`
 * or `clientVerb`, which bring the shared options, the help and its examples; what it adds is its own.
 */
import { Help, Option, type Command } from '@commander-js/extra-typings'
import type { Client } from '../api/client.ts'
import type { Terminal } from './terminal.ts'
import { usageText } from './usage-error.ts'

/** What the file of a verb exports as `register`. */
export type Register = (program: Command, terminal: Terminal, whole: () => Promise<Command>) => void

/** Which node is meant. */
export type Where = { data?: string; node?: string; cluster?: string; any?: boolean }

type Shown = { json?: true }

/** What every verb begins with; the summary starts with a verb in lower case, as help texts do. */
export type Outline = Readonly<{
  name: string
  summary: string
  examples: readonly string[]
  /** What else there is to know, in lines of at most 100 characters. @default nothing */
  notes?: readonly string[]
}>

/** An argument that names a task. */
export const TASK_ID_HELP =
  'its id, or any unambiguous part of it: the end, rather than the beginning'

/** The group of the flags that choose the node. */
export const SHARED = 'Which node to ask:'

/** Own options first, then those that choose the node. */
export const helpSettings: Partial<Help> = {
  helpWidth: 100,
  groupItems(unsorted, visible, groupOf) {
    const groups = new Help().groupItems(unsorted, visible, groupOf)
    return new Map([...groups].sort(([x], [y]) => Number(x === SHARED) - Number(y === SHARED)))
  }
}

/** A word that only other verbs follow, such as `state` before `save`. */
export function verbGroup(
  program: Command,
  { name, summary, examples, notes = [] }: Outline
): Command {
  const after = [exampleText(examples), ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')
  const command = program.command(name)
  return command
    .description(summary)
    .addHelpText('after', after)
    .configureOutput({ outputError: (text, write) => write(usageText(text, command)) })
}

/** A verb with `--json`. */
export function verb(program: Command, outline: Outline): Command<[], Shown> {
  return verbGroup(program, outline).option('--json', 'print JSON, one object a line')
}

/** A verb that asks a node on this computer. */
export function clientVerb(
  program: Command,
  outline: Outline
): Command<[], Shown & { data?: string; node?: string; cluster?: string }> {
  return verb(program, outline)
    .addOption(dataOption().helpGroup(SHARED))
    .addOption(nodeOption().helpGroup(SHARED))
    .addOption(clusterOption().helpGroup(SHARED))
}

/** The same where `--node` is a filter: any node that answers will do, since all know the same. */
export function anyNodeVerb(
  program: Command,
  outline: Outline
): Command<[], Shown & { data?: string; cluster?: string }> {
  return verb(program, outline)
    .addOption(dataOption().helpGroup(SHARED))
    .addOption(clusterOption().helpGroup(SHARED))
}

/** The cluster that something is for, where no node is asked. */
export function clusterOption(
  meaning = 'the cluster of the node to ask'
): Option<'--cluster <name>'> {
  return new Option('--cluster <name>', meaning).env('HEARSAY_CLUSTER')
}

/**
 * Dials a node: the one that is meant, or any of the only cluster that has nodes here, for what all of them can answer.
 *
 * @param terminal is told which one of several is asked. @default nobody is
 * @throws NoNodeError InvalidOptionError
 */
export async function openClient(
  { data, node, cluster, any = true }: Where,
  terminal?: Terminal
): Promise<Client> {
  const { Client } = await import('../api/client.ts')
  const where = {
    // A variable that is set to nothing counts as not set.
    ...(data ? { data } : {}),
    ...(node ? { node } : {}),
    ...(cluster ? { cluster } : {}),
    any
  }
  return Client.open(where, text => terminal?.words(text))
}

/** Dials the node that is meant, for what concerns that one alone. */
export function openOwnClient({ data = '', node = '', cluster = '' }: Where): Promise<Client> {
  return openClient({ data, node, cluster, any: false })
}

/** Dials any node of the cluster, for verbs whose own `--node` is a filter. */
export function openAnyClient(
  { data = '', cluster = '' }: Where,
  terminal: Terminal
): Promise<Client> {
  const { HEARSAY_NODE: node = '' } = process.env
  return openClient({ node, data, cluster }, terminal)
}

export function dataOption(): Option<'--data <folder>'> {
  return new Option('--data <folder>', "the node's data folder").env('HEARSAY_DATA')
}

export function nodeOption(): Option<'--node <name>'> {
  return new Option(
    '--node <name>',
    'the node to ask, computer/instance; without it any that runs here, if they are of one cluster'
  ).env('HEARSAY_NODE')
}

function exampleText(lines: readonly string[]): string {
  const title = lines.length === 1 ? 'Example' : 'Examples'
  return `\n${title}:\n${lines.map(line => `  $ ${line}`).join('\n')}`
}
