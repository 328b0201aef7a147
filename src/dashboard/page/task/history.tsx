/** What has happened to a task, as far as the node remembers. */
import type { JSX } from 'preact'
import type { NodeEvent } from '../../../node/api/node-api.ts'
import { EventLine } from '../parts/event.tsx'
import { Panel } from '../parts/small.tsx'

export function History({ history }: Readonly<{ history: readonly NodeEvent[] }>): JSX.Element {
  const isWhole = history[0]?.event === 'task:submitted'
  return (
    <Panel title="History">
      {!isWhole && (
        <p class="muted small">
          The node does not remember the beginning: it keeps its newest events, until it stops.
        </p>
      )}
      <ol class="events">
        {history.map((event, n) => (
          <EventLine key={n} event={event} isOfTask />
        ))}
      </ol>
    </Panel>
  )
}
