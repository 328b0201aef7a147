/** What is counted by type of task, as nodes tell it to each other. */

/** How long things took: `counts[i]` is that of bucket i (histogram.ts); empty buckets at the end are left out. */
export type Durations = Readonly<{ sumMs: number; counts: readonly number[] }>

/** What became of the tasks of one type at one node, and how long their runs took. */
export type TypeCounts = Readonly<{
  type: string
  completed: number
  failed: number
  cancelled: number
  /** Attempts that were followed by another one of the same holder: they failed, or asked for another time. */
  retried: number
  /** Runs of the handler that ended, however. */
  runs: Durations
}>

/** How many buckets there are. Wide enough for 24.8 days: see histogram.ts. */
export const HISTOGRAM_BUCKETS = 125
