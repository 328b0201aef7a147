/** The slots of a node or of one of its pools: a box each, filled with what runs in it. */
import type { JSX } from 'preact'
import type { NodeView } from '../../../node/api/node-api.ts'
import { placeOf } from '../state/colours.ts'
import { plain } from '../state/format.ts'
import type { Span } from '../stream/spans.ts'

/** Slots for some types, in a process of its own or in the node. */
export type PoolView = Readonly<{
  name: string
  slots: number
  running: number
  types: readonly string[]
  labels: Readonly<Record<string, string>>
  external: boolean
}>

/** More are told as a number. */
const BOXES_MAX = 24

/** A node that says nothing of pools has one, with all of its slots. */
export function poolsOf(node: NodeView): readonly PoolView[] {
  const told = (node as NodeView & { pools?: readonly PoolView[] }).pools
  if (told !== undefined && told.length > 0) return told
  const { slots, running, handlers, labels } = node
  return [{ name: 'default', slots, running, types: handlers, labels, external: false }]
}

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
