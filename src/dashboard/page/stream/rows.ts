/** The rows of the task stream: computers, their nodes, and of each node its slots. */
import type { NodeView } from '../../../node/api/node-api.ts'
import { markOf, type NodeMark } from '../state/words.ts'
import type { Span } from './spans.ts'

export type NodeRows = Readonly<{
  node: string
  mark: NodeMark | null
  /** Pixels from the top. */
  y: number
  slots: number
  height: number
}>
export type ComputerRows = Readonly<{ computer: string; y: number; nodes: readonly NodeRows[] }>
export type Rows = Readonly<{ computers: readonly ComputerRows[]; height: number }>

/** A span with the slot that it is drawn in. */
export type Placed = Span & Readonly<{ row: number }>

export const SLOT_HEIGHT = 18
export const AXIS_HEIGHT = 24
const COMPUTER_HEIGHT = 22
const NODE_GAP = 6
/** A node with more has rows that are drawn thinner in all. */
const SLOTS_DRAWN_MAX = 32

/** Members that have, or had, something to run, and those that spans name besides. */
export function rowsOf(nodes: readonly NodeView[], placed: ReadonlyMap<string, number>): Rows {
  const known = new Map(nodes.map(node => [node.name ?? '', node]))
  const names = nodes
    .filter(({ name, slots }) => name !== null && (slots > 0 || placed.has(name)))
    .map(({ name }) => name!)
  const all = [...new Set([...names, ...placed.keys()])].toSorted()
  const groups = Map.groupBy(all, name => name.split('/')[0] ?? name)
  const computers: ComputerRows[] = []
  let y = AXIS_HEIGHT
  for (const [computer, members] of groups) {
    const top = y
    y += COMPUTER_HEIGHT
    const rows = members.map((node): NodeRows => {
      const view = known.get(node)
      const slots = Math.min(SLOTS_DRAWN_MAX, Math.max(1, view?.slots ?? 0, placed.get(node) ?? 0))
      const row = {
        node,
        mark: view === undefined ? null : markOf(view),
        y,
        slots,
        height: slots * SLOT_HEIGHT
      }
      y += row.height + NODE_GAP
      return row
    })
    computers.push({ computer, y: top, nodes: rows })
  }
  return { computers, height: y + 4 }
}

export function laneOf(rows: Rows, node: string): NodeRows | null {
  for (const { nodes } of rows.computers) {
    const found = nodes.find(one => one.node === node)
    if (found !== undefined) return found
  }
  return null
}

/**
 * Gives each span a row of its node: the slot that it ran in, or else the first row that was free then. Clocks differ and
 * news takes a while, so one that seems to begin before a slot was free takes the one that came free first.
 *
 * @param slots how many a node has, by name
 * @returns the spans, and how many rows each node needs
 */
export function place(
  spans: readonly Span[],
  slots: ReadonlyMap<string, number>
): { placed: Placed[]; rows: Map<string, number> } {
  const free = new Map<string, number[]>()
  const rows = new Map<string, number>()
  const placed = spans
    .toSorted((x, y) => x.fromMs - y.fromMs || (x.task < y.task ? -1 : 1))
    .map((span): Placed => {
      const until = free.get(span.node) ?? []
      free.set(span.node, until)
      const row = span.slot ?? freeRow(until, span.fromMs, slots.get(span.node) ?? 0)
      while (until.length <= row) until.push(-Infinity)
      until[row] = span.toMs ?? Infinity
      rows.set(span.node, Math.max(rows.get(span.node) ?? 0, row + 1))
      return { ...span, row: Math.min(row, SLOTS_DRAWN_MAX - 1) }
    })
  return { placed, rows }
}

/** @param until when each row comes free */
function freeRow(until: readonly number[], fromMs: number, slots: number): number {
  const free = until.findIndex(ms => ms <= fromMs)
  if (free >= 0) return free
  if (until.length < slots) return until.length
  const first = Math.min(...until)
  return Number.isFinite(first) ? until.indexOf(first) : until.length
}
