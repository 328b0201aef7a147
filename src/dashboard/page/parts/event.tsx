/** Something that has happened, on a line. */
import type { JSX } from 'preact'
import type { NodeEvent } from '../../../node/api/node-api.ts'
import { piecesOf } from '../task/ansi.ts'
import { NodeLink, TaskLink, Text, Time, TypeName } from './small.tsx'

const SHOWN_BY_NAME = new Set(['v', 'at', 'event', 'cursor', 'taskId', 'type', 'node', 'id'])

/** @param isOfTask the task is known from where the line stands */
export function EventLine({
  event,
  isOfTask = false
}: Readonly<{ event: NodeEvent; isOfTask?: boolean }>): JSX.Element {
  const [room = '', name = ''] = event.event.split(':')
  const { taskId, type, node } = event
  const rest = Object.entries(event).filter(([field]) => !SHOWN_BY_NAME.has(field))
  return (
    <li class={`event is-${room} what-${name}`}>
      <Time at={event.at} />
      <b class="event-name">{name}</b>
      {!isOfTask && typeof taskId === 'string' && <TaskLink id={taskId} />}
      {!isOfTask && typeof type === 'string' && type !== '' && <TypeName type={type} />}
      {typeof node === 'string' && <NodeLink name={node} />}
      {rest.map(([field, value]) => (
        <span key={field} class="event-field">
          <span class="muted">{field}</span>{' '}
          <Text>{typeof value === 'string' ? withoutStyles(value) : JSON.stringify(value)}</Text>
        </span>
      ))}
    </li>
  )
}

/** What a program has printed, without what only a terminal would make something of. */
function withoutStyles(text: string): string {
  return piecesOf(text.trimEnd())
    .pieces.map(piece => piece.text)
    .join('')
}
