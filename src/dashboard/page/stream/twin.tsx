/** The same as the task stream, as a table: for those who do not see pictures, and to be copied. */
import type { JSX } from 'preact'
import { useSignal, type Signal } from '@preact/signals'
import { NodeLink, TaskLink, TypeName } from '../parts/small.tsx'
import { counted, duration, localTime } from '../state/format.ts'
import type { Picture } from './draw.ts'

const ROWS_MAX = 100

export function Twin({ picture }: Readonly<{ picture: Signal<Picture | null> }>): JSX.Element {
  const isOpen = useSignal(false)
  return (
    <details
      class="twin"
      open={isOpen.value}
      onToggle={event => (isOpen.value = event.currentTarget.open)}
    >
      <summary>the same as a table</summary>
      {isOpen.value && picture.value !== null && <Runs picture={picture.value} />}
    </details>
  )
}

function Runs({ picture }: Readonly<{ picture: Picture }>): JSX.Element {
  const newest = picture.placed.toSorted((x, y) => y.fromMs - x.fromMs).slice(0, ROWS_MAX)
  const left = picture.placed.length - newest.length
  return (
    <div class="scroll-x" role="region" aria-label="runs" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th>task</th>
            <th>type</th>
            <th>node</th>
            <th>slot</th>
            <th>began</th>
            <th>took</th>
            <th>attempt</th>
            <th>end</th>
            <th>came</th>
          </tr>
        </thead>
        <tbody>
          {newest.map(span => (
            <tr key={`${span.task} ${span.attempt} ${span.node}`}>
              <td>
                <TaskLink id={span.task} />
              </td>
              <td>
                <TypeName type={span.type} />
              </td>
              <td>
                <NodeLink name={span.node} />
              </td>
              <td class="number">{span.row + 1}</td>
              <td>{localTime(span.fromMs)}</td>
              <td class="number">{duration((span.toMs ?? picture.nowMs) - span.fromMs)}</td>
              <td class="number">{span.attempt}</td>
              <td>{span.outcome ?? 'running'}</td>
              <td>
                {span.via ?? ''}
                {span.movedFrom === null ? '' : ` from ${span.movedFrom}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {left > 0 && <p class="muted small">and {counted(left, 'older run')}</p>}
    </div>
  )
}
