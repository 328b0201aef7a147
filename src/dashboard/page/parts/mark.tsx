/** How a task or a node is: a shape, a word and a colour, each of which says it alone. */
import type { ComponentChildren, JSX } from 'preact'
import type { TaskState } from '../../../node/api/node-api.ts'
import { NODE_WORDS, STATE_WORDS, type NodeMark } from '../state/words.ts'

const SHAPES: Readonly<Record<TaskState | NodeMark, ComponentChildren>> = {
  waiting: (
    <path d="M4 2.5h8M4 13.5h8M5 2.5c0 3 6 3.5 6 5.5s-6 2.5-6 5.5M11 2.5c0 3-6 3.5-6 5.5s6 2.5 6 5.5" />
  ),
  delayed: (
    <>
      <circle cx="8" cy="8" r="5.7" />
      <path d="M8 4.8V8l2.4 1.6" />
    </>
  ),
  queued: <path d="M3 4.2h10M3 8h10M3 11.8h6" />,
  running: <path d="M5 3.2v9.6L12.8 8z" fill="currentColor" />,
  completed: (
    <>
      <circle cx="8" cy="8" r="6.3" fill="currentColor" />
      <path class="knock" d="m5.2 8.2 2 2 3.6-4.2" />
    </>
  ),
  failed: (
    <>
      <path d="M8 1.4 14.6 8 8 14.6 1.4 8z" fill="currentColor" />
      <path class="knock" d="m6.2 6.2 3.6 3.6m0-3.6L6.2 9.8" />
    </>
  ),
  cancelled: (
    <>
      <circle cx="8" cy="8" r="5.8" />
      <path d="M4 12 12 4" />
    </>
  ),
  alive: <circle cx="8" cy="8" r="5" fill="currentColor" />,
  draining: <path d="M8 2.5v8M4.4 7.4 8 11l3.6-3.6M3.5 13.5h9" />,
  paused: <path d="M5.5 3.5v9M10.5 3.5v9" stroke-width="2.6" />,
  suspect: (
    <>
      <circle cx="8" cy="8" r="5" />
      <path d="M8 3a5 5 0 0 1 0 10z" fill="currentColor" stroke="none" />
    </>
  ),
  unreachable: <circle cx="8" cy="8" r="5.2" stroke-dasharray="2.6 2.3" />,
  crashed: <path d="m3.5 3.5 9 9m0-9-9 9" stroke-width="2.4" />,
  left: <path d="M6.5 3H3v10h3.5M7 8h6.5M10.8 5.2 13.5 8l-2.7 2.8" />,
  unseen: <circle cx="8" cy="8" r="4.8" stroke-dasharray="0.5 3" stroke-width="2" />
}

type MarkProps = Readonly<{ of: TaskState | NodeMark }>

/** The shape alone, for where the word stands beside it or in a heading. */
export function Shape({ of }: MarkProps): JSX.Element {
  return (
    <svg class={`shape of-${of}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      {SHAPES[of]}
    </svg>
  )
}

/** Shape and word. */
export function StateMark({ state }: Readonly<{ state: TaskState }>): JSX.Element {
  return (
    <span class={`mark of-${state}`} title={STATE_WORDS[state]}>
      <Shape of={state} />
      {state}
    </span>
  )
}

export function NodeStatusMark({ mark }: Readonly<{ mark: NodeMark }>): JSX.Element {
  return (
    <span class={`mark of-${mark}`} title={NODE_WORDS[mark]}>
      <Shape of={mark} />
      {mark === 'unseen' ? 'not seen yet' : mark}
    </span>
  )
}
