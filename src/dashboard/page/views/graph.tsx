/** What a task depends on, and what depends on it. */
import type { JSX } from 'preact'
import { useSignal, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { askLayout } from '../graph/ask.ts'
import { BOX_HEIGHT, BOX_WIDTH, Drawing } from '../graph/drawing.tsx'
import { grouped, type Grouped } from '../graph/groups.ts'
import type { Layout } from '../graph/shapes.ts'
import { StateMark } from '../parts/mark.tsx'
import { Loading, Panel, TaskLink, Trouble, TypeName } from '../parts/small.tsx'
import { get } from '../state/api.ts'
import { onTasks } from '../state/cluster.ts'
import type { GraphView as Told } from '../state/contract.ts'
import { count, counted, shortId } from '../state/format.ts'
import { goWith, query } from '../state/route.ts'

type Drawn = Readonly<{ told: Told; grouped: Grouped; layout: Layout }>
type Found = Readonly<{ drawn: Signal<Drawn | null>; trouble: Signal<string | null> }>

const DEPTHS = [1, 2, 4, 8] as const
const DEPTH = 2
const TASKS_MAX = 2000
const TABLE_MAX = 200
const AGAIN_MS = 2000

export function GraphView({ id }: Readonly<{ id: string }>): JSX.Element {
  const drawn = useSignal<Drawn | null>(null)
  const trouble = useSignal<string | null>(null)
  const zoom = useSignal(1)
  const depth = Number(query.value.get('depth') ?? DEPTH)
  useEffect(() => followGraph(id, depth, { drawn, trouble }), [id, depth])
  return (
    <Panel title="Graph" kind="graph-panel" aside={<Tools depth={depth} zoom={zoom} />}>
      <p>
        Around <TaskLink id={id} whole />: what it depends on is on the left, what waits for it on
        the right.
      </p>
      {trouble.value !== null && <Trouble words={trouble.value} />}
      {drawn.value === null && trouble.value === null && <Loading what="the graph" />}
      {drawn.value !== null && <Found drawn={drawn.value} zoom={zoom.value} />}
    </Panel>
  )
}

function Tools({ depth, zoom }: Readonly<{ depth: number; zoom: Signal<number> }>): JSX.Element {
  return (
    <div class="tools">
      <span class="muted">steps</span>
      {DEPTHS.map(one => (
        <button
          key={one}
          type="button"
          class="quiet"
          aria-pressed={one === depth}
          onClick={() => goWith({ depth: String(one) }, true)}
        >
          {one}
        </button>
      ))}
      <button type="button" class="quiet" aria-label="larger" onClick={() => (zoom.value *= 1.25)}>
        +
      </button>
      <button type="button" class="quiet" aria-label="smaller" onClick={() => (zoom.value /= 1.25)}>
        −
      </button>
    </div>
  )
}

function Found({ drawn, zoom }: Readonly<{ drawn: Drawn; zoom: number }>): JSX.Element {
  const { told, layout } = drawn
  const { groups } = drawn.grouped
  const centre = told.id
  const before = Map.groupBy(told.edges, ({ to }) => to)
  return (
    <>
      <div class="graph-box" tabIndex={0} role="region" aria-label="graph">
        <Drawing layout={layout} groups={groups} centre={centre} zoom={zoom} />
      </div>
      <p class="muted small">
        {counted(told.nodes.length, 'task')}
        {groups.length < told.nodes.length &&
          `, in ${count(groups.length)} groups by type and place`}
        {told.more > 0 && `; ${counted(told.more, 'more', 'more')} are near enough, and not shown`}
        {told.unknown.length > 0 &&
          `; ${counted(told.unknown.length, 'task')} that some depend on are not known here any more`}
      </p>
      <details>
        <summary>the same as a table</summary>
        <table class="stacks">
          <thead>
            <tr>
              <th>Task</th>
              <th>State</th>
              <th>Depends on</th>
            </tr>
          </thead>
          <tbody>
            {told.nodes.slice(0, TABLE_MAX).map(task => (
              <tr key={task.id}>
                <td data-name="Task">
                  <TaskLink id={task.id} /> <TypeName type={task.type} />
                </td>
                <td data-name="State">
                  <StateMark state={task.state} />
                </td>
                <td data-name="Depends on">
                  {(before.get(task.id) ?? []).map(({ from }) => shortId(from)).join(', ')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  )
}

/** Asks for it, and again when one of its tasks has changed. Returns how to stop it. */
function followGraph(id: string, depth: number, { drawn, trouble }: Found): () => void {
  const gone = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const ask = async (): Promise<void> => {
    timer = undefined
    try {
      const told = await get<Told>(`/v1/tasks/${id}/graph`, { depth, max: TASKS_MAX }, gone.signal)
      drawn.value = await drawnOf(told, drawn.value, gone.signal)
      trouble.value = null
    } catch (error) {
      if (!gone.signal.aborted) trouble.value = (error as Error).message
    }
  }
  const stop = onTasks(({ tasks }) => {
    const own = new Set(drawn.value?.told.nodes.map(task => task.id))
    if (tasks.some(task => own.has(task.id))) timer ??= setTimeout(() => void ask(), AGAIN_MS)
  })
  void ask()
  return () => {
    gone.abort()
    clearTimeout(timer)
    stop()
  }
}

/** A new layout only for new boxes: states change more often than what depends on what. */
async function drawnOf(told: Told, before: Drawn | null, gone: AbortSignal): Promise<Drawn> {
  const centre = told.id
  const known = new Set(told.nodes.map(task => task.id))
  const edges = told.edges.filter(({ from, to }) => known.has(from) && known.has(to))
  const next = grouped(told.nodes, edges, centre)
  const boxes = next.groups.map(group => ({ id: group.id, width: BOX_WIDTH, height: BOX_HEIGHT }))
  const isSame =
    before !== null &&
    JSON.stringify(before.grouped.groups.map(group => group.id)) ===
      JSON.stringify(boxes.map(box => box.id)) &&
    JSON.stringify(before.grouped.edges) === JSON.stringify(next.edges)
  const layout = isSame ? before.layout : await askLayout({ boxes, edges: next.edges }, gone)
  return { told, grouped: next, layout }
}
