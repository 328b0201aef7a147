/**
 * The picture of `hearsay top`: a list of lines for a terminal of a given size, never more and never wider. Open tasks and
 * failures come first, then nodes and types. Each gets as many lines as it needs, or as the others leave it (`shares`).
 */
import { durationText } from '../output/duration.ts'
import { nodeFlags } from '../output/node-flags.ts'
import { poolsShown } from '../output/print.ts'
import type { NodeView, PoolView, TaskView } from '../../node/api/node-api.ts'
import { fit, row, type Column } from './cells.ts'
import type { Model } from './model.ts'

export type Panel = 'nodes' | 'tasks'
export type Order = 'name' | 'queued' | 'running' | 'rate'
export const ORDERS: readonly Order[] = ['name', 'queued', 'running', 'rate']

/** What the person at the keys has chosen. */
export type View = {
  panel: Panel
  selected: number
  order: Order
  /** Only what has this text in its name, type or id. */
  filter: string
  /** The last line: a question, an answer, or what is being typed. */
  prompt: string
  help: boolean
}

/** What is shown at the start. */
export const firstView = (): View => ({
  panel: 'nodes',
  selected: 0,
  order: 'name',
  filter: '',
  prompt: '',
  help: false
})

export type Size = Readonly<{ columns: number; rows: number }>

/** How a line is to look beside its text. */
export type FrameLine = Readonly<{ text: string; look?: 'title' | 'selected' | 'bad' }>

const NODES: readonly Column[] = [
  { title: 'COMPUTER', width: 14 },
  { title: 'INST', width: 6 },
  { title: 'STATUS', width: 0, widthMax: 24 },
  { title: 'RUN', width: 7, end: 'right' },
  { title: 'QUEUED', width: 6, end: 'right' },
  { title: 'RATE/s', width: 6, end: 'right' },
  { title: 'HEARD', width: 7, end: 'right' },
  { title: 'LAG', width: 7, end: 'right' }
]
const TYPES: readonly Column[] = [
  { title: 'TYPE', width: 0, widthMax: 48 },
  { title: 'WAITING', width: 8, end: 'right' },
  { title: 'QUEUED', width: 8, end: 'right' },
  { title: 'RUNNING', width: 8, end: 'right' },
  { title: 'DONE', width: 8, end: 'right' },
  { title: 'FAILED', width: 8, end: 'right' }
]
const TASKS: readonly Column[] = [
  { title: 'TASK', width: 14 },
  { title: 'STATE', width: 8 },
  { title: 'TYPE REF TAGS KEY', width: 0, widthMax: 64 },
  { title: 'NODE', width: 13 },
  { title: 'REASON', width: 14 },
  { title: 'AGE', width: 7, end: 'right' }
]
const FAILURES: readonly Column[] = [
  { title: 'FAILED', width: 8 },
  { title: 'TASK', width: 12 },
  { title: 'TYPE', width: 14 },
  { title: 'REASON', width: 12 },
  { title: 'MESSAGE', width: 0 }
]
const HELP = [
  'q quit    tab nodes or tasks    up/down choose    s order of nodes    / filter',
  'd drain the chosen node    c cancel the chosen task    ^L redraw    ? this help'
]
/** Shorter lists leave their room to those below. */
const TYPES_SHOWN_MAX = 5
const TAIL_LENGTH = 12

/** Nodes as they are shown: those of a computer together, ordered among themselves. */
export function shownNodes(model: Model, { order, filter }: View, nowMs: number): NodeView[] {
  const weight = (node: NodeView): number =>
    order === 'rate' ? model.rate(nowMs, node.name ?? '') : order === 'name' ? 0 : node[order]
  const byName = (x: NodeView, y: NodeView): number =>
    nameOf(x) < nameOf(y) ? -1 : Number(nameOf(x) > nameOf(y))
  const fitting = model.nodes.filter(node => nameOf(node).includes(filter))
  const groups = Map.groupBy(fitting.toSorted(byName), node => node.computer ?? '')
  const sum = (nodes: readonly NodeView[]): number => nodes.reduce((n, x) => n + weight(x), 0)
  return [...groups.values()]
    .sort((x, y) => sum(y) - sum(x))
    .flatMap(nodes => nodes.sort((x, y) => weight(y) - weight(x)))
}

export function shownTasks(model: Model, { filter }: View): TaskView[] {
  return model.tasks.filter(task =>
    [task.id, task.holder, nameOfTask(task)].some(text => text.includes(filter))
  )
}

/** What its submitter knows a task by. A node of an older version does not say all of it. */
function nameOfTask({ type, ref, tags, idempotencyKey }: TaskView): string {
  return [type, ref, ...tags, idempotencyKey].filter(Boolean).join(' ')
}

/** Exactly as many lines as the terminal has rows, each exactly as wide as it. */
export function frame(
  model: Model,
  view: View,
  { columns, rows }: Size,
  nowMs: number
): FrameLine[] {
  const lines = head(model, columns, nowMs)
  const foot: FrameLine[] = [
    ...(view.help ? HELP.map(text => ({ text: fit(text, columns) })) : []),
    { text: fit(view.prompt || 'q quit  ? help', columns) }
  ]
  const panels = PANELS.map(panel => panel(model, view, columns, nowMs))
  const room = Math.max(0, rows - foot.length - lines.length)
  for (const [i, count] of shares(panels, room).entries()) {
    if (count === 0) continue
    const [heading, ...made] = panels[i]! as [FrameLine, ...FrameLine[]]
    // What is chosen is seen, however far down it is.
    const chosen = made.findIndex(({ look }) => look === 'selected')
    const shown = count - MARGIN
    const from = Math.max(0, chosen - shown + 1)
    lines.push(heading, ...made.slice(from, from + shown))
  }
  while (lines.length < rows - foot.length) lines.push({ text: fit('', columns) })
  return [...lines, ...foot].slice(0, rows)
}

/** In the order in which they are shown, and matter. */
const PANELS: readonly ((model: Model, view: View, width: number, nowMs: number) => FrameLine[])[] =
  [taskLines, failureLines, nodeLines, typeLines]
/** A title above each. */
const MARGIN = 1
/** Lines of a panel that it gets before another one gets more. */
const LEAST = 3

/**
 * How many lines each panel gets, its title among them; 0 for what has nothing to say or no room to say it. First each
 * in its turn gets a few, then all that need more share what is left.
 */
export function shares(panels: readonly (readonly unknown[])[], room: number): number[] {
  const given = panels.map(() => 0)
  const needs = panels.map(lines => lines.length - 1)
  let left = room
  for (const [i, need] of needs.entries()) {
    const count = Math.min(need, LEAST, left - MARGIN)
    if (count <= 0) continue
    given[i] = count + MARGIN
    left -= count + MARGIN
  }
  const isShort = (i: number): boolean => given[i]! > 0 && given[i]! < needs[i]! + MARGIN
  while (left > 0 && panels.some((_, i) => isShort(i))) {
    for (const i of panels.keys()) {
      if (left === 0 || !isShort(i)) continue
      given[i]!++
      left--
    }
  }
  return given
}

function head(model: Model, columns: number, nowMs: number): FrameLine[] {
  const { status, trouble, steals } = model
  const clock = new Date(nowMs).toISOString().slice(11, 19)
  if (status === null) return [{ text: fit(trouble ?? 'asking the node', columns) }]
  const { tasks, slots, members } = status
  const counts = Object.entries(tasks).filter(([, count]) => count > 0)
  const states = counts.map(([state, count]) => `${count} ${state}`)
  return [
    {
      text: fit(
        `hearsay ${status.cluster}, as ${status.node} sees it  ${clock}Z  ${trouble ?? ''}`,
        columns
      ),
      look: trouble === null ? 'title' : 'bad'
    },
    { text: fit(`tasks    ${states.join('  ') || 'none'}`, columns) },
    {
      text: fit(
        `members  ${members.alive} alive  ${members.synced} synced  ${members.expected} expected  slots ${slots.running}/${slots.total}  ${model.rate(nowMs).toFixed(1)}/s  ${steals} steals`,
        columns
      )
    }
  ]
}

function nodeLines(model: Model, view: View, width: number, nowMs: number): FrameLine[] {
  let computer: string | null = null
  const rows = shownNodes(model, view, nowMs).flatMap((node, i): FrameLine[] => {
    const first = node.computer !== computer || node.computer === null
    computer = node.computer
    const cells = [
      first ? (node.computer ?? nameOf(node)) : '',
      (node.instance ?? '') + (node.self ? '*' : ''),
      [node.status ?? 'never seen', ...nodeFlags(node)].join(', '),
      `${node.running}/${node.slots}`,
      String(node.queued),
      model.rate(nowMs, node.name ?? '').toFixed(1),
      node.heartbeatAgeMs === null ? '-' : durationText(node.heartbeatAgeMs),
      node.heartbeatAgeMs === null ? '-' : durationText(node.loopLagMs)
    ]
    const isBad = node.status !== 'alive' && node.status !== 'left'
    const look = lookOf(view.panel === 'nodes' && view.selected === i, isBad)
    const pools = poolsShown(node).map(pool => ({ text: row(poolCells(pool), NODES, width) }))
    return [{ text: row(cells, NODES, width), ...look }, ...pools]
  })
  return [title(NODES, width), ...rows]
}

function poolCells({ name, external, running, slots }: PoolView): string[] {
  const kind = external ? 'process' : 'pool'
  return ['', '', `  ${kind} ${name}`, `${running}/${slots}`, '', '', '', '']
}

function typeLines({ status }: Model, { filter }: View, width: number): FrameLine[] {
  const types = Object.entries(status?.types ?? {}).filter(([type]) => type.includes(filter))
  const rows = types.slice(0, TYPES_SHOWN_MAX).map(([type, count]): FrameLine => {
    const { waiting, queued, running, completed, failed } = count
    const cells = [type, ...[waiting, queued, running, completed, failed].map(String)]
    return { text: row(cells, TYPES, width) }
  })
  return [title(TYPES, width), ...rows]
}

function taskLines(model: Model, view: View, width: number, nowMs: number): FrameLine[] {
  const rows = shownTasks(model, view).map((task, i): FrameLine => {
    const age = durationText(Math.max(0, nowMs - Date.parse(task.submittedAt)))
    const { state, holder, reason } = task
    const name = nameOfTask(task)
    const cells = [`..${task.id.slice(-TAIL_LENGTH)}`, state, name, holder, reason ?? '', age]
    const look = lookOf(view.panel === 'tasks' && view.selected === i, false)
    return { text: row(cells, TASKS, width), ...look }
  })
  return [title(TASKS, width), ...rows]
}

function failureLines({ failures }: Model, { filter }: View, width: number): FrameLine[] {
  const fitting = failures.filter(
    ({ type, taskId }) => type.includes(filter) || taskId.includes(filter)
  )
  const rows = fitting.map(({ at, taskId, type, reason, message }): FrameLine => ({
    text: row(
      [at.slice(11, 19), taskId.slice(-TAIL_LENGTH), type, reason, message],
      FAILURES,
      width
    )
  }))
  return [title(FAILURES, width), ...rows]
}

function title(columns: readonly Column[], width: number): FrameLine {
  return {
    text: row(
      columns.map(column => column.title),
      columns,
      width
    ),
    look: 'title'
  }
}

function lookOf(isSelected: boolean, isBad: boolean): Pick<FrameLine, 'look'> {
  if (isSelected) return { look: 'selected' }
  return isBad ? { look: 'bad' } : {}
}

function nameOf({ name, id }: NodeView): string {
  return name ?? id ?? ''
}
