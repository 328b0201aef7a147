/**
 * The rows of a list of tasks: those that are in the window, and as much empty space above and below as the others take.
 * A scroll moves through all of them, loaded or not; what is looked at is loaded.
 */
import type { JSX } from 'preact'
import { useSignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Loading, Trouble } from '../parts/small.tsx'
import { count } from '../state/format.ts'
import { goWith, query } from '../state/route.ts'
import type { Row, TaskList } from '../state/task-list.ts'
import { RowCells } from './row.tsx'

/** As the style sheet has them. */
const ROW_HEIGHT = 38
const NARROW_ROW_HEIGHT = 66
/** Rows beyond the window, for a scroll that is faster than a repaint. */
const SPARE = 12

const narrow = matchMedia('(max-width: 760px)')

/** What a list is sorted by: the node's word, and the heading. */
const COLUMNS = [
  ['state', 'State'],
  [null, 'Task'],
  ['type', 'Type'],
  ['priority', 'Prio'],
  [null, 'Attempt'],
  ['node', 'Node'],
  ['-submittedAt', 'Submitted'],
  ['-durationMs', 'Took']
] as const

type Props = Readonly<{
  list: TaskList
  place: Signal<number>
  chosen: Signal<ReadonlySet<string>>
}>

export function Rows({ list, place, chosen }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const shown = useSignal({ from: 0, to: 60 })
  const height = narrow.matches ? NARROW_ROW_HEIGHT : ROW_HEIGHT
  useEffect(() => watchScroll(box.current!, shown), [])
  const rows = list.rows.value
  const total = Math.max(rows.length, list.matched.value ?? 0)
  const { from, to } = {
    from: Math.min(shown.value.from, total),
    to: Math.min(shown.value.to, total)
  }
  useEffect(() => list.want(to), [to, rows.length])
  useEffect(() => keepInView(box.current!, place.value, height), [place.value])
  const trouble = list.trouble.value
  return (
    <>
      {trouble !== null && <Trouble words={trouble} />}
      <div class="list" role="table" aria-label="tasks" aria-rowcount={total + 1}>
        <Head />
        <div ref={box} role="rowgroup" class="list-body" style={{ height: `${total * height}px` }}>
          {Array.from({ length: to - from }, (_, n) => {
            const index = from + n
            const row = rows[index]
            if (row === undefined) {
              const style = { transform: `translateY(${index * height}px)` }
              return (
                <div
                  key={index}
                  class="row is-loading"
                  style={style}
                  role="row"
                  aria-rowindex={index + 2}
                >
                  <span role="cell" class="muted">
                    {index === rows.length
                      ? `loading: ${count(rows.length)} of ${count(total)}`
                      : '…'}
                  </span>
                </div>
              )
            }
            return drawnRow(row, {
              index,
              height,
              isHere: index === place.value,
              isChosen: chosen.value.has(row.id)
            })
          })}
        </div>
        {total === 0 && list.matched.value === 0 && <p class="empty muted">No such tasks.</p>}
        {list.matched.value === null && trouble === null && <Loading what="tasks" />}
      </div>
    </>
  )
}

type Look = Readonly<{ index: number; height: number; isHere: boolean; isChosen: boolean }>

/** Rows as they were drawn last: one that looks the same is not looked at again, however fast the list scrolls. */
const drawn = new WeakMap<Row, Readonly<{ look: Look; element: JSX.Element }>>()

function drawnRow(row: Row, look: Look): JSX.Element {
  const before = drawn.get(row)
  const { index, height, isHere, isChosen } = look
  const isSame =
    before !== undefined &&
    before.look.index === index &&
    before.look.height === height &&
    before.look.isHere === isHere &&
    before.look.isChosen === isChosen
  if (isSame) return before.element
  const style = { transform: `translateY(${index * height}px)` }
  const element = (
    <RowCells
      key={row.id}
      row={row}
      index={index}
      style={style}
      isHere={isHere}
      isChosen={isChosen}
    />
  )
  drawn.set(row, { look, element })
  return element
}

function Head(): JSX.Element {
  const sorted = query.value.get('sort') ?? '-submittedAt'
  return (
    <div role="rowgroup" class="list-head">
      <div class="row" role="row" aria-rowindex={1}>
        {COLUMNS.map(([sort, words]) => (
          <span
            key={words}
            role="columnheader"
            aria-sort={sort === null ? undefined : directionOf(sort, sorted)}
          >
            {sort === null ? (
              words
            ) : (
              <button type="button" onClick={() => goWith({ sort: nextSort(sort, sorted) })}>
                {words}
                <i aria-hidden="true">{arrowOf(sort, sorted)}</i>
              </button>
            )}
          </span>
        ))}
      </div>
    </div>
  )
}

function nameOf(sort: string): string {
  return sort.replace(/^-/, '')
}

function directionOf(sort: string, sorted: string): 'ascending' | 'descending' | 'none' {
  if (nameOf(sort) !== nameOf(sorted)) return 'none'
  return sorted.startsWith('-') ? 'descending' : 'ascending'
}

function arrowOf(sort: string, sorted: string): string {
  return { ascending: ' ↑', descending: ' ↓', none: '' }[directionOf(sort, sorted)]
}

/** The other way round, if it is sorted by that already. */
function nextSort(sort: string, sorted: string): string {
  if (nameOf(sort) !== nameOf(sorted)) return sort
  return sorted.startsWith('-') ? nameOf(sorted) : `-${sorted}`
}

/** Which rows are in the window. Returns how to stop it. */
function watchScroll(box: HTMLElement, shown: Signal<{ from: number; to: number }>): () => void {
  const look = (): void => {
    const height = narrow.matches ? NARROW_ROW_HEIGHT : ROW_HEIGHT
    const { top } = box.getBoundingClientRect()
    const from = Math.max(0, Math.floor(-top / height) - SPARE)
    const to = Math.max(0, Math.ceil((innerHeight - top) / height) + SPARE)
    const { value } = shown
    if (value.from !== from || value.to !== to) shown.value = { from, to }
  }
  look()
  addEventListener('scroll', look, { passive: true })
  addEventListener('resize', look)
  return () => {
    removeEventListener('scroll', look)
    removeEventListener('resize', look)
  }
}

/** Leaves some rows to be seen beyond it. */
function keepInView(box: HTMLElement, place: number, height: number): void {
  if (place < 0) return
  const top = box.getBoundingClientRect().top + place * height
  const least = 180
  if (top < least) scrollBy(0, top - least)
  else if (top + height > innerHeight - height) scrollBy(0, top + 2 * height - innerHeight)
}
