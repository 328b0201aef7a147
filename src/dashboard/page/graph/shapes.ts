/** What the graph of tasks is made of, before and after it has places. */

/** A box: a task, or many of one kind. */
export type Box = Readonly<{
  /** Of the task, or a name for the group. */
  id: string
  width: number
  height: number
}>
/** `from` has to complete before `to` may run. */
export type Edge = Readonly<{ from: string; to: string }>

export type Place = Readonly<{ id: string; x: number; y: number }>
export type Route = Edge & Readonly<{ points: readonly Readonly<{ x: number; y: number }>[] }>

export type Question = Readonly<{ boxes: readonly Box[]; edges: readonly Edge[] }>
export type Layout = Readonly<{
  width: number
  height: number
  places: readonly Place[]
  routes: readonly Route[]
}>
