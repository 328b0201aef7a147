/** A task in a list. */
import type { CSSProperties, JSX } from 'preact'
import { StateMark } from '../parts/mark.tsx'
import { Ago, NodeLink, Since, TaskLink, Text, TypeName } from '../parts/small.tsx'
import { duration } from '../state/format.ts'
import type { Row } from '../state/task-list.ts'

type Props = Readonly<{
  row: Row
  index: number
  style: CSSProperties
  isHere: boolean
  isChosen: boolean
}>

export function RowCells({ row, index, style, isHere, isChosen }: Props): JSX.Element {
  const marks = `row ${isHere ? 'is-here' : ''} ${isChosen ? 'is-chosen' : ''}`
  return (
    <div class={marks} style={style} role="row" aria-rowindex={index + 2}>
      <span role="cell" class="cell-state">
        <StateMark state={row.state} />
        {isChosen && <span class="unseen"> chosen</span>}
      </span>
      <span role="cell" class="cell-id">
        <TaskLink id={row.id} />
      </span>
      <span role="cell" class="cell-type">
        <TypeName type={row.type} />
        {row.tags.map(tag => (
          <small key={tag} class="tag">
            <Text>{tag}</Text>
          </small>
        ))}
        <Why row={row} />
      </span>
      <span role="cell" class="cell-priority number">
        {row.priority}
      </span>
      <span role="cell" class="cell-attempt number">
        {row.attempt}/{row.attemptsMax}
      </span>
      <span role="cell" class="cell-node">
        <NodeLink name={row.holder} />
      </span>
      <span role="cell" class="cell-time">
        <Ago at={row.submittedAt} />
      </span>
      <span role="cell" class="cell-took number">
        {row.durationMs !== null && duration(row.durationMs)}
        {row.state === 'running' && row.startedAt !== null && <Since at={row.startedAt} />}
      </span>
      {row.fraction !== null && (
        <i
          class="row-progress"
          style={{ transform: `scaleX(${row.fraction})` }}
          aria-hidden="true"
        />
      )}
    </div>
  )
}

/** What keeps it, or what went wrong. */
function Why({ row: { error, reason } }: Readonly<{ row: Row }>): JSX.Element | null {
  if (reason === null && error === null) return null
  return (
    <small class="muted why">
      {reason !== null && <Text>{reason}</Text>}
      {error !== null && reason !== null && ': '}
      {error !== null && <Text>{error}</Text>}
    </small>
  )
}
