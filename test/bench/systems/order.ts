/** What the conductor of a benchmark and the processes of a cluster say to each other, over IPC. */

/** A task: it takes `ms` milliseconds and nothing of the processor; with 0 it does nothing at all. */
export type Task = Readonly<{ id: number; ms: number; text: string }>
/** What a task ends with: how long it really took. */
export type Ran = Readonly<{ id: number; ranMs: number }>

/** Which process is asked: any; a worker; the submitter. */
export type Order =
  | Readonly<{ kind: 'usage' }>
  | Readonly<{ kind: 'leave' }>
  /** How many other workers it is connected with and in sync; null if workers do not meet. */
  | Readonly<{ kind: 'met' }>
  /** `count` tasks that do nothing, one after the other. */
  | Readonly<{ kind: 'sequence'; count: number }>
  /** Tasks of these lengths, all at once. If `tellAt` is a number, it says when that many results are in. */
  | Readonly<{ kind: 'many'; lengthsMs: readonly number[]; tellAt: number | null }>

export type Said = Readonly<
  { ready: unknown } | { value: unknown } | { reached: number } | { error: string }
>

/** What a process has used so far, and has in memory now. */
export type Used = Readonly<{ cpuMs: number; rssBytes: number }>
/** How long each task took, from its submission to its result, smallest first. */
export type Sequence = Readonly<{ sortedMs: readonly number[] }>
/** From the first submission to the last result, and how long each task ran, in the order of submission. */
export type Many = Readonly<{ ms: number; ranMs: readonly number[] }>
