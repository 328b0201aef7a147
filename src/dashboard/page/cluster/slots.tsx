/** The slots of a pool: a box each, filled with what runs in it. */
import type { JSX } from 'preact'
import { placeOf } from '../state/colours.ts'
import { plain } from '../state/format.ts'
import type { Span } from '../stream/spans.ts'

/** More are told as a number. */
const BOXES_MAX = 24

/** @param runs what is known to run there; the number of those that do counts */
export function Slots({
  slots,
  running,
  runs
}: Readonly<{ slots: number; running: number; runs: readonly Span[] }>): JSX.Element {
  const words = `${running} of ${slots} slots run`
  if (slots > BOXES_MAX) {
    return (
      <span class="slots-bar" role="img" aria-label={words} title={words}>
        <i style={{ width: `${Math.min(100, (running / slots) * 100)}%` }} />
        <b>
          {running}/{slots}
        </b>
      </span>
    )
  }
  const boxes = Array.from({ length: Math.max(slots, running) }, (_, n) => {
    const run = runs[n]
    if (n >= running) return <i key={n} class="slot" />
    if (run === undefined) return <i key={n} class="slot is-busy" />
    return <i key={n} class={`slot is-busy type-${placeOf(run.type)}`} title={plain(run.type)} />
  })
  return (
    <span class="slots" role="img" aria-label={words} title={words}>
      {boxes}
    </span>
  )
}
