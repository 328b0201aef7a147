/** What happens, as it happens. */
import type { JSX } from 'preact'
import { useSignal, type Signal } from '@preact/signals'
import { EventLine } from '../parts/event.tsx'
import { Panel } from '../parts/small.tsx'
import type { NodeEvent } from '../../../node/api/node-api.ts'
import { events } from '../state/cluster.ts'
import { counted } from '../state/format.ts'
import { goWith, query } from '../state/route.ts'

const ROOMS = ['task', 'node', 'cluster'] as const
const SHOWN_MAX = 300

export function EventsView(): JSX.Element {
  /** The events as they were when the view was stopped; null: it goes on. */
  const stopped = useSignal<readonly NodeEvent[] | null>(null)
  const room = query.value.get('event')
  const words = query.value.get('q') ?? ''
  const all = stopped.value ?? events.value
  const fitting = all.filter(event => fits(event, room, words.toLowerCase()))
  const missed = events.value.length - all.length
  return (
    <>
      <h1 class="unseen">Events</h1>
      <Bar room={room} words={words} stopped={stopped} />
      <Panel
        title="Events"
        aside={
          <span class="muted">
            {counted(fitting.length, 'event')} since this page was opened
            {stopped.value !== null && missed > 0 && `, ${missed} more since the pause`}
          </span>
        }
      >
        {fitting.length === 0 && (
          <p class="muted">Nothing of that has happened since this page was opened.</p>
        )}
        <ol class="events">
          {fitting
            .slice(-SHOWN_MAX)
            .toReversed()
            .map((event, n) => (
              <EventLine key={`${event.cursor} ${fitting.length - n}`} event={event} />
            ))}
        </ol>
      </Panel>
    </>
  )
}

function Bar({
  room,
  words,
  stopped
}: Readonly<{
  room: string | null
  words: string
  stopped: Signal<readonly NodeEvent[] | null>
}>): JSX.Element {
  return (
    <div class="bar">
      <div class="states" role="group" aria-label="which">
        <button type="button" aria-pressed={room === null} onClick={() => goWith({ event: null })}>
          all
        </button>
        {ROOMS.map(one => (
          <button
            key={one}
            type="button"
            aria-pressed={room === one}
            onClick={() => goWith({ event: one })}
          >
            {one}
          </button>
        ))}
      </div>
      <label class="field">
        <span>Filter</span>
        <input
          type="search"
          value={words}
          placeholder="name, task, type, node"
          onInput={event => goWith({ q: event.currentTarget.value }, true)}
        />
      </label>
      <button
        type="button"
        aria-pressed={stopped.value !== null}
        onClick={() => (stopped.value = stopped.value === null ? events.value : null)}
      >
        {stopped.value === null ? 'Pause' : 'Go on'}
      </button>
    </div>
  )
}

function fits(event: NodeEvent, room: string | null, words: string): boolean {
  if (room !== null && !event.event.startsWith(`${room}:`)) return false
  if (words === '') return true
  return Object.values(event).some(value => JSON.stringify(value).toLowerCase().includes(words))
}
