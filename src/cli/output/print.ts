/**
 * What tasks, nodes and a cluster look like to people: aligned columns, one thing a line.
 *
 * Texts come from other nodes and other users, so whatever a terminal would take for a command is made visible instead.
 */
import { meaningOf } from './event-words.ts'
import type {
  BlobRef,
  Json,
  LabelConditionsOption,
  NodeEvent,
  NodeView,
  PoolView,
  StatusView,
  TaskState,
  TaskView
} from '../../node/api/node-api.ts'
import { durationText } from './duration.ts'
import { nodeFlags } from './node-flags.ts'
import { printable } from '../../shared/printable.ts'
import type { Terminal } from '../terminal.ts'

type Colour = Parameters<Terminal['coloured']>[0]

const STATE_COLOURS: Readonly<Partial<Record<TaskState, Colour>>> = {
  completed: 'green',
  failed: 'red',
  cancelled: 'yellow'
}
/** The usual form of a libp2p peer id. */
const NODE_ID = /^12D3KooW[A-Za-z0-9]{44}$/
const ASCII = /^[ -~]*$/
/** A result on a line with other things. */
const SHORT_LENGTH = 120

/** Rows in columns that are as wide as their longest cell; the last one is free. */
export async function table(
  header: readonly string[],
  rows: readonly (readonly string[])[]
): Promise<string[]> {
  const all = [header, ...rows].map(row => row.map(printable))
  const widthOf = await widthsOf(all.flat())
  const widths = header.map((_, column) => Math.max(...all.map(row => widthOf(row[column] ?? ''))))
  return all.map(row =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd()
  )
}

/** How many cells of a terminal each takes. To load the answer for all scripts costs 40 ms, so ASCII goes without. */
async function widthsOf(texts: readonly string[]): Promise<(text: string) => number> {
  if (texts.every(text => ASCII.test(text))) return text => text.length
  return (await import('string-width')).default
}

/** Columns that are left out if no task has anything to say there. */
const RARE_COLUMNS: ReadonlySet<string> = new Set(['REF', 'TAGS', 'KEY'])

export function taskTable(tasks: readonly TaskView[], nowMs: number): Promise<string[]> {
  const all = tasks.map(task => ({
    ID: task.id,
    STATE: task.state + percentText(task),
    TYPE: task.type,
    // A node of an older version does not say.
    REF: task.ref ?? '',
    TAGS: task.tags.join(' '),
    PRIO: String(task.priority),
    ATTEMPT: attemptText(task),
    NODE: shortName(task.holder),
    SUBMITTED: `${durationText(Math.max(0, nowMs - Date.parse(task.submittedAt)))} ago`,
    KEY: task.idempotencyKey ?? '',
    REASON: task.reason ?? ''
  }))
  const isShown = (column: string): boolean =>
    !RARE_COLUMNS.has(column) || all.some(row => row[column as keyof typeof row] !== '')
  const rows = all.map(row => Object.entries(row).filter(([column]) => isShown(column)))
  const header = (rows[0] ?? []).map(([column]) => column)
  const last = header.length - 1
  return table(
    header,
    rows.map(row => row.map(([, cell], i) => (cell === '' && i < last ? '-' : cell)))
  )
}

/** By what else than its id its submitter knows a task; '' if by nothing. */
export function marksText(
  task: Partial<Pick<TaskView, 'ref' | 'tags' | 'idempotencyKey'>>
): string {
  const { ref, tags = [], idempotencyKey } = task
  const marks = [
    ...(ref ? [`ref ${ref}`] : []),
    ...(tags.length > 0 ? [`tags ${tags.join(' ')}`] : []),
    ...(idempotencyKey ? [`key ${idempotencyKey}`] : [])
  ]
  return marks.join(', ')
}

/** What they said last of their work is over. */
const GONE: ReadonlySet<NodeView['status']> = new Set(['crashed', 'left'])

export function nodeTable(nodes: readonly NodeView[]): Promise<string[]> {
  const rows = nodes.flatMap(node => [nodeRow(node), ...poolsShown(node).map(poolRow)])
  const header = [
    'NODE',
    'STATUS',
    'LINK',
    'RUNNING',
    'QUEUED',
    'HEARD',
    'HANDLERS',
    'LABELS',
    'ADDRESSES'
  ]
  return table(header, rows)
}

function nodeRow(node: NodeView): string[] {
  return [
    shortName(node.name ?? node.id ?? '?') + (node.self ? ' *' : ''),
    statusText(node),
    linkText(node),
    GONE.has(node.status) ? '-' : `${node.running}/${node.slots}`,
    GONE.has(node.status) ? '-' : String(node.queued),
    node.heartbeatAgeMs === null ? '-' : durationText(node.heartbeatAgeMs),
    // Its pools say it, in the lines below.
    poolsShown(node).length > 0 ? '' : node.handlers.join(',') || '-',
    ownLabelsText(node.labels),
    addressesText(node.addresses)
  ]
}

function poolRow({ name, external, running, slots, types, labels }: PoolView): string[] {
  const kind = external ? 'process' : 'pool'
  return [
    `  ${name}`,
    kind,
    '',
    `${running}/${slots}`,
    '',
    '',
    types.join(',') || '-',
    ownLabelsText(labels)
  ]
}

/** The pools of a node, if it has more than one; a node of an older version has none to tell of. */
export function poolsShown({
  pools = [],
  status
}: Partial<Pick<NodeView, 'pools'>> & Pick<NodeView, 'status'>): readonly PoolView[] {
  return pools.length < 2 || GONE.has(status) ? [] : pools
}

/** Labels of a node or of a pool. */
function ownLabelsText(labels: Readonly<Record<string, string>>): string {
  return (
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',') || '-'
  )
}

/** As they are given to `--peer`: those of IPv4 and TCP in short, and without the id, which is the node's own. */
export function addressesText(addresses: readonly string[]): string {
  const short = addresses.map(address =>
    address.replace(/^\/ip4\/([\d.]+)\/tcp\/(\d+)(?:\/p2p\/[^/]+)?$/, '$1:$2')
  )
  return [...new Set(short)].join(',') || '-'
}

function keptField({ max }: StatusView['settled']): [string, string] {
  const tasks = max === 1 ? 'settled task' : 'settled tasks'
  return ['kept', `the newest ${max} ${tasks}: nodes differ (--settled-max), and the least counts`]
}

function heldBackField({ waiting, heldBackBy }: StatusView['submitters']): [string, string] {
  return ['submitters', `${waiting} wait, ${heldBackText(heldBackBy)}`]
}

/** What a node that lets nobody in has to do first. */
export function heldBackText(by: StatusView['submitters']['heldBackBy']): string {
  if (by === null) return 'until it is their turn'
  if (by === 'room') return 'until the nodes have let go of old tasks: they keep too many'
  return by === 'disk'
    ? 'until the node has written what it has taken'
    : 'until other nodes have copies of what it has taken'
}

export function statusLines(status: StatusView, terminal: Terminal): string[] {
  const { members, tasks, slots, quorum, submitters, settled } = status
  const few = quorum ? '' : '; too few to take over from those who are silent'
  const counts = Object.entries(tasks).map(([state, count]) => `${count} ${state}`)
  return fields(terminal, [
    ['cluster', status.cluster],
    ['node', `${status.node} (${status.id}), hearsay ${status.version}`],
    [
      'members',
      `${members.alive} alive, ${members.connected} connected, ${members.synced} synced, ${members.expected} expected${few}`
    ],
    ['slots', `${slots.running} of ${slots.total} running`],
    ['tasks', counts.join(', ')],
    // A node of an older version does not say.
    ...(settled?.differs ? [keptField(settled)] : []),
    ...(submitters.waiting === 0 ? [] : [heldBackField(submitters)])
  ])
}

/** A settled task on one line. A node of an older version does not say what it is called. */
export function taskLine(task: TaskView, terminal: Terminal): string {
  const duration = task.durationMs === null ? '-' : durationText(task.durationMs)
  const what = task.ref ? `${task.type} ${task.ref}` : task.type
  const rest = [what, duration, short(endText(task))].map(printable)
  return [task.id, coloured(task.state, terminal), ...rest].join('  ')
}

export function taskLines(task: TaskView, terminal: Terminal): string[] {
  const reason = task.reason === null ? '' : ` (${task.reason})`
  const duration = task.durationMs === null ? '' : `, ran ${durationText(task.durationMs)}`
  return fields(terminal, [
    ['id', task.id],
    ['type', task.type],
    ['state', task.state + reason],
    ['progress', progressText(task)],
    ['priority', String(task.priority)],
    ['attempt', `${attemptText(task)}, epoch ${task.epoch}`],
    ['node', task.holder],
    ['lost with', task.lost.join(' ') || null],
    ['checkpoint', checkpointText(task)],
    ['submitted', `${task.submittedAt} by ${task.submittedBy}`],
    ['started', task.startedAt],
    ['settled', task.settledAt === null ? null : task.settledAt + duration],
    ['depends on', task.dependsOn.join(' ') || null],
    ['labels', labelsText(task) || null],
    ['ref', task.ref ?? null],
    ['tags', task.tags.join(' ') || null],
    ['key', task.idempotencyKey ?? null],
    ['retry of', task.retryOf],
    ['payload', contentText(task.payload, task.payloadBlob)],
    ['result', task.state === 'completed' ? contentText(task.result, task.resultBlob) : null],
    ['error', task.error === null ? null : `${task.error.name}: ${task.error.message}`]
  ])
}

/** A node of an earlier version says nothing of it. */
function checkpointText({
  checkpoint = null
}: Partial<Pick<TaskView, 'checkpoint'>>): string | null {
  return checkpoint === null
    ? null
    : `${checkpoint.bytes} bytes, saved at epoch ${checkpoint.epoch}, for the next attempt`
}

/**
 * What happened, when, and what there is to know of it.
 *
 * @param known fields that need not be said @default none
 */
export function eventLine(
  { at, event, ...rest }: NodeEvent,
  known: readonly string[] = []
): string {
  const silent = new Set(['v', 'cursor', ...known])
  const details = Object.entries(rest)
    .filter(([name]) => !silent.has(name))
    .map(([name, value]) => `${name}=${valueText(value)}`)
  const meaning = meaningOf(event)
  const words = meaning === null ? [] : [`(${meaning})`]
  return [at, event.padEnd(14), ...details, ...words].map(printable).join('  ')
}

/** A line that was logged comes with its end, which tells nothing here. */
function valueText(value: unknown): string {
  return typeof value === 'string' ? value.replace(/\r?\n$/, '') : JSON.stringify(value)
}

/** How far a run is, as far as it said. */
export function progressText({ progress }: TaskView): string | null {
  if (progress === null) return null
  const { fraction, message } = progress
  return `${Math.floor(fraction * 100)} %${message === null ? '' : `, ${message}`}`
}

/** The attempt, of as many as there may be if all fail. */
function attemptText({ attempt, maxRetries }: TaskView): string {
  return `${attempt}/${maxRetries + 1}`
}

/** Labels as they are given on a command line. */
function labelsText({ labels }: TaskView): string {
  const text = (conditions: LabelConditionsOption): string =>
    Object.entries(conditions)
      .map(([label, value]) => label + (String(value).startsWith('>=') ? '' : '=') + String(value))
      .join(' ')
  const [require, prefer] = [text(labels.require), text(labels.prefer)]
  return [require, prefer && `rather ${prefer}`].filter(part => part !== '').join(', ')
}

function percentText({ progress }: TaskView): string {
  return progress === null ? '' : ` ${Math.floor(progress.fraction * 100)} %`
}

function fields(
  terminal: Terminal,
  pairs: readonly (readonly [string, string | null])[]
): string[] {
  const given = pairs.filter(([, value]) => value !== null)
  const width = Math.max(...given.map(([name]) => name.length))
  return given.map(
    ([name, value]) => `${terminal.coloured('gray', name.padEnd(width))}  ${printable(value ?? '')}`
  )
}

function coloured(state: TaskState, terminal: Terminal): string {
  const colour = STATE_COLOURS[state]
  return colour === undefined ? state : terminal.coloured(colour, state)
}

function endText(task: TaskView): string {
  if (task.state === 'completed') return contentText(task.result, task.resultBlob)
  return task.error === null ? (task.reason ?? '') : `${task.error.name}: ${task.error.message}`
}

/** What is large is not for a terminal. */
function contentText(value: Json, blob: BlobRef | null): string {
  return blob === null ? JSON.stringify(value) : `${blob.bytes} bytes, see get --json`
}

function short(text: string): string {
  return text.length > SHORT_LENGTH ? `${text.slice(0, SHORT_LENGTH)}...` : text
}

/** Where no name is known there is an id, too long for a table; its end tells it from others. */
function shortName(name: string): string {
  return NODE_ID.test(name) ? `${name.slice(0, 4)}...${name.slice(-8)}` : name
}

/** An expected instance has a name; what has none is an address, of which no node has told its name yet. */
function statusText({ name, status, ...node }: NodeView): string {
  if (status === null) return name === null ? 'not met' : 'never seen'
  return [status, ...nodeFlags(node)].join(', ')
}

/** Found, connected and synced are three facts; each implies the one before. */
function linkText(node: NodeView): string {
  if (node.self) return 'self'
  if (node.status === 'left') return '-'
  if (node.synced && node.connected) return 'synced'
  if (node.connected) return 'connected'
  return node.found ? 'found' : '-'
}
