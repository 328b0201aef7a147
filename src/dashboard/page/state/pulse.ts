/**
 * When what has come is shown: at most four times a second, all of it together. A cluster may have thousands of events
 * a second; nobody reads faster than this, and each repaint costs.
 */
import { batch, signal } from '@preact/signals'

const PULSE_MS = 250
const SECOND_MS = 1000

let waiting: (() => void)[] = []
let timer: ReturnType<typeof setTimeout> | undefined
let lastAt = -PULSE_MS

/** Does it with the next repaint. */
export function withNextPulse(change: () => void): void {
  waiting.push(change)
  if (timer !== undefined) return
  const now = performance.now()
  timer = setTimeout(beat, Math.max(0, lastAt + PULSE_MS - now))
}

function beat(): void {
  timer = undefined
  lastAt = performance.now()
  const changes = waiting
  waiting = []
  batch(() => {
    for (const change of changes) change()
  })
}

/** The time of this computer in ms, read anew each second while the page is seen. */
export const now = signal(Date.now())

setInterval(() => {
  if (!document.hidden) now.value = Date.now()
}, SECOND_MS)
