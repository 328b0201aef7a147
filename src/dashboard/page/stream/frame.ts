/** Which time the task stream shows. It follows the present until somebody moves it. */
import { signal } from '@preact/signals'

export type Frame = Readonly<{
  /** How much time is shown, in ms. */
  lengthMs: number
  /** Where it ends; null: at the present. */
  endMs: number | null
}>

const LENGTH_MS = 60_000
const LENGTH_MS_MIN = 200
const LENGTH_MS_MAX = 24 * 3_600_000

export const frame = signal<Frame>({ lengthMs: LENGTH_MS, endMs: null })
export const foldsIdle = signal(false)

export function endOf({ endMs }: Frame, nowMs: number): number {
  return endMs ?? nowMs
}

/** @param factor below 1: less time, larger @param atPart which part of the width stays where it is */
export function zoom(factor: number, nowMs: number, atPart = 0.5): void {
  const { lengthMs, endMs } = frame.value
  const next = Math.min(LENGTH_MS_MAX, Math.max(LENGTH_MS_MIN, lengthMs * factor))
  // While it follows, the present stays at the right edge.
  if (endMs === null) frame.value = { lengthMs: next, endMs }
  else frame.value = bounded(endMs + (next - lengthMs) * (1 - atPart), next, nowMs)
}

/** @param part of the width; above 0: later */
export function pan(part: number, nowMs: number): void {
  const { lengthMs } = frame.value
  frame.value = bounded(endOf(frame.value, nowMs) + part * lengthMs, lengthMs, nowMs)
}

export function follow(): void {
  frame.value = { ...frame.value, endMs: null }
}

/** What goes beyond the present follows it again. */
function bounded(endMs: number, lengthMs: number, nowMs: number): Frame {
  return { lengthMs, endMs: endMs >= nowMs ? null : endMs }
}
