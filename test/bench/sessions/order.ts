/** What the node of this benchmark is asked, and what it answers. */

export type Order =
  | Readonly<{ kind: 'run'; type: string; tasks: number }>
  /** Resolves when a worker for this type is there. */
  | Readonly<{ kind: 'await'; type: string }>
  | Readonly<{ kind: 'leave' }>

/** Of a run: the CPU time of the node with all its threads, and the time that it took. */
export type Cost = Readonly<{ cpuMs: number; ms: number }>
export type Reply = Cost | null

/** The type of the tasks that the node's own module handles. */
export const MODULE_TYPE = 'own'
