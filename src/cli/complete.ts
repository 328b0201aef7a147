/**
 * What the last word of a command line could be: read off the verbs and options as they are registered, and for the
 * names of nodes and tasks asked of a node, which has a moment to answer. A shell waits for this at each Tab.
 */
import type { Command, CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import type { Client } from '../api/client.ts'
import { printable } from '../shared/printable.ts'
import { isRepeatable } from './repeatable.ts'
import { openClient } from './verb.ts'

export type Candidate = Readonly<{ value: string; about?: string }>

/** The part of an option or an argument that says what it takes. */
type Taking = Readonly<{ name: string; choices: readonly string[] | undefined }>

/** Time that a completion may take: a user who waits longer for a Tab presses it again. */
const ANSWER_MS = 500
/** How many of the newest tasks are offered; more are no choice. */
const TASKS_MAX = 50

/**
 * @param words those after the name of the program; the last one is to be completed, and may be empty
 */
export async function complete(program: Command, words: readonly string[]): Promise<Candidate[]> {
  // bash takes the sign for a word of its own.
  const all = words.filter(word => word !== '=')
  const before = all.slice(0, -1)
  const last = all.at(-1) ?? ''
  const place = walk(program, before)
  const [flag = '', value] = /^(--[\w-]+)=(.*)$/.exec(last)?.slice(1) ?? []
  if (value !== undefined && place.pending === null && !place.isOver) {
    const option = optionOf(place.command, flag)
    if (option === undefined || !takesValue(option)) return []
    const found = await candidatesFor(takingOf(option), value, before)
    return found.map(({ value: end, ...rest }) =>
      isForShell(end) ? { value: end } : { value: `${flag}=${end}`, ...rest }
    )
  }
  if (last.startsWith('-') && !place.isOver) return flags(place.command, before, last)
  if (place.pending !== null && !place.pending.variadic) {
    return candidatesFor(takingOf(place.pending), last, before)
  }
  const { commands, registeredArguments } = place.command
  const verbs = commands.filter(command => command.name().startsWith(last))
  if (commands.length > 0) {
    if (place.operands > 0) return []
    return verbs.map(command => ({ value: command.name(), about: command.description() }))
  }
  const argument = registeredArguments[place.operands] ?? registeredArguments.at(-1)
  const here = place.pending === null ? [] : [takingOf(place.pending)]
  const fits =
    argument !== undefined && (argument.variadic || place.operands < registeredArguments.length)
  if (fits) here.push({ name: argument.name(), choices: argument.argChoices })
  const lists = await Promise.all(here.map(taking => candidatesFor(taking, last, before)))
  return lists.flat()
}

type Place = {
  command: CommandUnknownOpts
  /** The option whose value comes next. */
  pending: Option | null
  operands: number
  /** No options any more: `--` was said. */
  isOver: boolean
}

function walk(program: Command, words: readonly string[]): Place {
  const place: Place = { command: program, pending: null, operands: 0, isOver: false }
  for (const word of words) {
    if (place.isOver) {
      place.operands++
    } else if (word === '--') {
      place.isOver = true
      place.pending = null
    } else if (word.startsWith('-')) {
      const option = word.includes('=') ? undefined : optionOf(place.command, word)
      place.pending = option !== undefined && takesValue(option) ? option : null
    } else if (place.pending !== null) {
      if (!place.pending.variadic) place.pending = null
    } else {
      const verb = place.command.commands.find(command => command.name() === word)
      if (verb === undefined) place.operands++
      else place.command = verb
    }
  }
  return place
}

function optionOf(command: CommandUnknownOpts, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => flag === long || flag === short)
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional
}

function takingOf(option: Option): Taking {
  const [, name = ''] = /[<[]([^.>\]]+)/.exec(option.flags) ?? []
  const isNode = option.long === '--node'
  return { name: isNode ? 'node' : name, choices: option.argChoices }
}

/** Options that were not given yet, or may be given again. */
function flags(command: CommandUnknownOpts, before: readonly string[], last: string): Candidate[] {
  const isList = (option: Option): boolean => option.variadic || isRepeatable(option)
  const given = (option: Option): boolean => before.includes(option.long ?? '') && !isList(option)
  return command.options
    .filter(option => !option.hidden && !given(option))
    .map(option => ({ value: option.long ?? '', about: option.description }))
    .concat({ value: '--help', about: 'show what this does' })
    .filter(({ value }) => value.startsWith(last) && value !== '')
}

async function candidatesFor(
  { name, choices }: Taking,
  start: string,
  before: readonly string[]
): Promise<Candidate[]> {
  if (choices !== undefined)
    return fitting(
      choices.map(value => ({ value })),
      start
    )
  if (name === 'file') return [{ value: ':file' }]
  if (name === 'folder') return [{ value: ':folder' }]
  if (name === 'payload' && start.startsWith('@')) return []
  const ask = QUESTIONS[name]
  if (ask === undefined) return []
  const late = new Promise<Candidate[]>(resolve => setTimeout(resolve, ANSWER_MS, []).unref())
  // Whatever goes wrong, a Tab is no place for words.
  const answer = whereOf(before).then(ask, () => [])
  return fitting(await Promise.race([answer.catch(() => []), late]), start)
}

const QUESTIONS: Readonly<Record<string, (client: Client) => Promise<Candidate[]>>> = {
  async id(client) {
    const candidates: Candidate[] = []
    for await (const { id, state, type } of client.list({ limit: TASKS_MAX })) {
      candidates.push({ value: id, about: `${state} ${printable(type)}` })
    }
    return candidates
  },
  async node(client) {
    const nodes = await client.nodes()
    return nodes.flatMap(({ name, status }) =>
      name === null ? [] : [{ value: name, about: status ?? 'never seen' }]
    )
  },
  async type(client) {
    const nodes = await client.nodes()
    return [...new Set(nodes.flatMap(({ handlers }) => handlers))].map(value => ({ value }))
  }
}

/** The node that the command line so far would ask; any will do, where several run. */
async function whereOf(before: readonly string[]): Promise<Client> {
  const said = (flag: string): string => before[before.indexOf(flag) + 1 || before.length] ?? ''
  const { HEARSAY_DATA = '', HEARSAY_NODE = '', HEARSAY_CLUSTER = '' } = process.env
  return openClient({
    data: said('--data') || HEARSAY_DATA,
    node: HEARSAY_NODE,
    cluster: said('--cluster') || HEARSAY_CLUSTER,
    any: true
  })
}

function fitting(candidates: readonly Candidate[], start: string): Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(start))
}

function isForShell(value: string): boolean {
  return value.startsWith(':')
}
