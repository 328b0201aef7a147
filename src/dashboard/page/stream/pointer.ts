/**
 * Fingers and mice over the task stream: dragging moves the time, two fingers and the wheel with Ctrl zoom it, a click
 * opens a task. Up and down stay the page's own.
 */
import { pan, zoom } from './frame.ts'

/** A movement of less is a click. */
const CLICK_PIXELS = 4

export type Touched = Readonly<{
  /** The pointer is here, without being pressed; null: it is gone. */
  onHover: (place: { x: number; y: number } | null) => void
  onClick: (place: { x: number; y: number }) => void
  /** Of the part that shows time: where it begins, and how wide it is. */
  timeBox: () => { left: number; width: number }
}>

/** Returns how to stop it. */
export function followPointers(canvas: HTMLCanvasElement, touched: Touched): () => void {
  const pressed = new Map<number, { x: number; y: number }>()
  let movedBy = 0
  const placeOf = (event: MouseEvent): { x: number; y: number } => {
    const { left, top } = canvas.getBoundingClientRect()
    return { x: event.clientX - left, y: event.clientY - top }
  }
  const onDown = (event: PointerEvent): void => {
    canvas.setPointerCapture(event.pointerId)
    pressed.set(event.pointerId, placeOf(event))
    movedBy = 0
  }
  const onMove = (event: PointerEvent): void => {
    const before = pressed.get(event.pointerId)
    const place = placeOf(event)
    if (before === undefined) return touched.onHover(place)
    const others = [...pressed].filter(([id]) => id !== event.pointerId).map(([, other]) => other)
    pressed.set(event.pointerId, place)
    movedBy += Math.abs(place.x - before.x)
    const { left, width } = touched.timeBox()
    const [other] = others
    if (other !== undefined) {
      const [was, is] = [Math.abs(before.x - other.x), Math.abs(place.x - other.x)]
      zoom(Math.max(8, was) / Math.max(8, is), Date.now(), ((place.x + other.x) / 2 - left) / width)
    } else if (movedBy > CLICK_PIXELS) pan((before.x - place.x) / width, Date.now())
  }
  const onUp = (event: PointerEvent): void => {
    if (pressed.delete(event.pointerId) && movedBy <= CLICK_PIXELS && event.type === 'pointerup') {
      touched.onClick(placeOf(event))
    }
  }
  const onLeave = (): void => touched.onHover(null)
  const onWheel = (event: WheelEvent): void => {
    const { left, width } = touched.timeBox()
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault()
      zoom(Math.exp(event.deltaY / 300), Date.now(), (placeOf(event).x - left) / width)
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault()
      pan(event.deltaX / width, Date.now())
    }
  }
  canvas.addEventListener('pointerdown', onDown)
  canvas.addEventListener('pointermove', onMove)
  canvas.addEventListener('pointerup', onUp)
  canvas.addEventListener('pointercancel', onUp)
  canvas.addEventListener('pointerleave', onLeave)
  canvas.addEventListener('wheel', onWheel, { passive: false })
  return () => {
    canvas.removeEventListener('pointerdown', onDown)
    canvas.removeEventListener('pointermove', onMove)
    canvas.removeEventListener('pointerup', onUp)
    canvas.removeEventListener('pointercancel', onUp)
    canvas.removeEventListener('pointerleave', onLeave)
    canvas.removeEventListener('wheel', onWheel)
  }
}
