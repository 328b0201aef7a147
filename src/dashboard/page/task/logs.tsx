/** What a task's runs have said, from the beginning, and as it comes. */
import type { JSX } from 'preact'
import { useSignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { LogEntry } from '../../../node/api/node-api.ts'
import { Copy, Panel, Trouble } from '../parts/small.tsx'
import { lines } from '../state/api.ts'
import { counted, localTime } from '../state/format.ts'
import { wraps } from '../state/preferences.ts'
import { withNextPulse } from '../state/pulse.ts'
import { piecesOf, type Piece } from './ansi.ts'

type Said = Readonly<{ entry: LogEntry; pieces: readonly Piece[] }>

/** The newest ones; what is older is counted. */
const ENTRIES_SHOWN = 2000
/** Closer to the end than this is at the end. */
const END_PIXELS = 24

export function Logs({ id }: Readonly<{ id: string }>): JSX.Element {
  const said = useSignal<readonly Said[]>([])
  const left = useSignal(0)
  const trouble = useSignal<string | null>(null)
  const isOver = useSignal(false)
  const follows = useSignal(true)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const gone = new AbortController()
    void listen(id, gone.signal, { said, left, trouble, isOver })
    return () => gone.abort()
  }, [id])
  useEffect(() => {
    if (follows.value && box.current !== null) box.current.scrollTop = box.current.scrollHeight
  }, [said.value])
  const text = (): string => said.value.map(({ entry }) => entry.text).join('')
  return (
    <Panel title="Log" aside={<Tools text={text} follows={follows} />}>
      {trouble.value !== null && <Trouble words={trouble.value} />}
      {left.value > 0 && (
        <p class="muted small">
          {counted(left.value, 'older entry', 'older entries')} not shown: hearsay logs{' '}
          {id.slice(-12)}
        </p>
      )}
      <div
        ref={box}
        class={wraps.value ? 'log wraps' : 'log'}
        role="log"
        aria-label="log"
        aria-live="off"
        tabIndex={0}
        onScroll={event => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget
          follows.value = scrollHeight - scrollTop - clientHeight < END_PIXELS
        }}
      >
        {said.value.map(({ entry, pieces }, n) => (
          <Entry key={n} entry={entry} pieces={pieces} before={said.value[n - 1]?.entry} />
        ))}
        {said.value.length === 0 && (
          <p class="muted">{isOver.value ? 'It has said nothing.' : 'Nothing said yet.'}</p>
        )}
      </div>
    </Panel>
  )
}

function Tools({
  text,
  follows
}: Readonly<{ text: () => string; follows: Signal<boolean> }>): JSX.Element {
  return (
    <div class="tools">
      <button
        type="button"
        class="quiet"
        aria-pressed={follows.value}
        onClick={() => (follows.value = !follows.value)}
      >
        follow
      </button>
      <button
        type="button"
        class="quiet"
        aria-pressed={wraps.value}
        onClick={() => (wraps.value = !wraps.value)}
      >
        wrap
      </button>
      <Copy text={text()} label="copy" />
    </div>
  )
}

type Place = Readonly<{
  said: Signal<readonly Said[]>
  left: Signal<number>
  trouble: Signal<string | null>
  isOver: Signal<boolean>
}>

async function listen(
  id: string,
  gone: AbortSignal,
  { said, left, trouble, isOver }: Place
): Promise<void> {
  let waiting: Said[] = []
  let style: ReturnType<typeof piecesOf>['end'] | undefined
  const show = (): void => {
    const all = said.value.concat(waiting)
    waiting = []
    left.value += Math.max(0, all.length - ENTRIES_SHOWN)
    said.value = all.slice(-ENTRIES_SHOWN)
  }
  try {
    for await (const entry of lines<LogEntry>(`/v1/tasks/${id}/logs`, { follow: true }, gone)) {
      const { pieces, end } = piecesOf(entry.text, style)
      style = end
      if (waiting.length === 0) withNextPulse(show)
      waiting.push({ entry, pieces })
    }
    isOver.value = true
  } catch (error) {
    if (!gone.aborted) trouble.value = (error as Error).message
  }
}

type EntryProps = Readonly<{
  entry: LogEntry
  pieces: readonly Piece[]
  before: LogEntry | undefined
}>

function Entry({ entry, pieces, before }: EntryProps): JSX.Element {
  const isNew = before?.attempt !== entry.attempt || before.node !== entry.node
  return (
    <>
      {isNew && (
        <p class="log-attempt">
          attempt {entry.attempt}
          {entry.node !== null && ` on ${entry.node}`}
        </p>
      )}
      <div class={`log-entry is-${entry.stream}`}>
        <time title={entry.at} dateTime={entry.at}>
          {localTime(entry.at)}
        </time>
        {entry.stream !== 'stdout' && <b>{entry.stream}</b>}
        <pre>
          {pieces.map(({ text, style }, n) => (
            <bdi key={n} class={classOf(style)}>
              {text}
            </bdi>
          ))}
        </pre>
      </div>
    </>
  )
}

function classOf({ colour, background, bold, dim, italic, underline }: Piece['style']): string {
  return [
    colour === null ? '' : `ink-${colour}`,
    background === null ? '' : `paper-${background}`,
    bold ? 'bold' : '',
    dim ? 'dim' : '',
    italic ? 'italic' : '',
    underline ? 'underline' : ''
  ]
    .filter(Boolean)
    .join(' ')
}
