/** The way of a task on a line: grey where it waited, in the colour of its type where it ran. */
import type { JSX } from 'preact'
import type { NodeEvent, TaskView } from '../../../node/api/node-api.ts'
import { NodeLink, Panel } from '../parts/small.tsx'
import { placeOf } from '../state/colours.ts'
import { duration, localTime } from '../state/format.ts'
import { now } from '../state/pulse.ts'
import { legsOf, type Leg } from './legs.ts'

/** A piece is seen, however short it was. */
const PART_MIN = 0.012

export function Way({
  task,
  history
}: Readonly<{ task: TaskView; history: readonly NodeEvent[] }>): JSX.Element {
  const legs = legsOf(task, history)
  const nowMs = now.value
  const lengthOf = ({ fromMs, toMs }: Leg): number => Math.max(1, (toMs ?? nowMs) - fromMs)
  const total = legs.reduce((sum, leg) => sum + lengthOf(leg), 0)
  return (
    <Panel title="Attempts" aside={<span class="muted small">{duration(total)} in all</span>}>
      <div class="way" aria-hidden="true">
        {legs.map((leg, n) => (
          <i
            key={n}
            class={`${leg.kind} ${leg.kind === 'ran' ? `type-${placeOf(task.type)}` : ''} end-${leg.end ?? 'none'}`}
            style={{ flexGrow: Math.max(PART_MIN, lengthOf(leg) / total) }}
          />
        ))}
      </div>
      <ol class="legs">
        {legs.map((leg, n) => (
          <li key={n} class={leg.kind}>
            <span class="leg-what">{wordsOf(leg)}</span>
            <b>{duration(lengthOf(leg))}</b>
            {leg.node !== null && (
              <span>
                {leg.kind === 'ran' ? 'on' : 'held by'} <NodeLink name={leg.node} />
              </span>
            )}
            <span class="muted">from {localTime(leg.fromMs)}</span>
          </li>
        ))}
      </ol>
      {task.lost.length > 0 && (
        <p class="muted">Nodes that were gone while they ran it: {task.lost.join(', ')}</p>
      )}
    </Panel>
  )
}

function wordsOf({ kind, attempt, end, via }: Leg): string {
  const came = via === null ? '' : `${via}, `
  if (kind === 'waited')
    return end === 'cancelled' || end === 'failed' ? `${came}waited, then ${end}` : `${came}waited`
  const which = attempt === null ? 'ran' : `attempt ${attempt}`
  return end === null ? `${which} runs` : `${which} ${end}`
}
