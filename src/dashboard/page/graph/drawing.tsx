/** A graph of tasks as a picture, each box a link. */
import type { JSX } from 'preact'
import { TASK_STATES } from '../../../shared/names.ts'
import { Shape } from '../parts/mark.tsx'
import { placeOf } from '../state/colours.ts'
import { count, plain, shortId } from '../state/format.ts'
import { pathOfTask } from '../state/route.ts'
import type { Group } from './groups.ts'
import type { Layout, Route } from './shapes.ts'

export const BOX_WIDTH = 212
export const BOX_HEIGHT = 44
const TEXT_LENGTH_MAX = 24

export function Drawing({
  layout,
  groups,
  centre,
  zoom
}: Readonly<{
  layout: Layout
  groups: readonly Group[]
  centre: string
  zoom: number
}>): JSX.Element {
  const places = new Map(layout.places.map(place => [place.id, place]))
  return (
    <svg
      class="graph"
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      width={layout.width * zoom}
      height={layout.height * zoom}
      role="group"
      aria-label="tasks and what they depend on; as a table below"
    >
      <defs>
        <marker
          id="tip"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" />
        </marker>
      </defs>
      {layout.routes.map(route => (
        <path
          key={`${route.from} ${route.to}`}
          class="edge"
          d={lineOf(route)}
          marker-end="url(#tip)"
        />
      ))}
      {groups.map(group => {
        const { x, y } = places.get(group.id) ?? { x: 0, y: 0 }
        return (
          <g key={group.id} transform={`translate(${x - BOX_WIDTH / 2} ${y - BOX_HEIGHT / 2})`}>
            <GraphBox group={group} isCentre={group.id === centre} />
          </g>
        )
      })}
    </svg>
  )
}

function GraphBox({ group, isCentre }: Readonly<{ group: Group; isCentre: boolean }>): JSX.Element {
  const { tasks, type } = group
  const [only] = tasks
  const name = plain(type)
  const shown = name.length > TEXT_LENGTH_MAX ? `${name.slice(0, TEXT_LENGTH_MAX - 1)}…` : name
  const content = (
    <>
      <rect
        class={isCentre ? 'box is-centre' : 'box'}
        width={BOX_WIDTH}
        height={BOX_HEIGHT}
        rx="7"
      />
      <rect
        class={`box-edge type-${placeOf(type)}`}
        width="5"
        height={BOX_HEIGHT - 12}
        x="6"
        y="6"
        rx="2.5"
      />
      <text x="19" y="18" class="box-type">
        {shown}
      </text>
      {tasks.length === 1 ? (
        <>
          <g transform={`translate(18 ${BOX_HEIGHT - 20})`}>
            <Shape of={only!.state} />
          </g>
          <text x="36" y="35" class="box-state">
            {only!.state} · {shortId(only!.id)}
          </text>
        </>
      ) : (
        <text x="19" y="35" class="box-state">
          {count(tasks.length)} tasks: {statesOf(group)}
        </text>
      )}
    </>
  )
  if (tasks.length > 1) return <g>{content}</g>
  return <a href={pathOfTask(only!.id)}>{content}</a>
}

function statesOf({ tasks }: Group): string {
  return TASK_STATES.flatMap(state => {
    const many = tasks.filter(task => task.state === state).length
    return many === 0 ? [] : `${count(many)} ${state}`
  }).join(', ')
}

/** Smooth through the points. */
function lineOf({ points }: Route): string {
  const [first, ...rest] = points
  if (first === undefined) return ''
  let line = `M${first.x} ${first.y}`
  let before = first
  for (const point of rest) {
    const middle = (before.x + point.x) / 2
    line += `C${middle} ${before.y} ${middle} ${point.y} ${point.x} ${point.y}`
    before = point
  }
  return line
}
