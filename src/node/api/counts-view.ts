/** What `getMetrics` gives: what has been done, by this node and by all. */

/**
 * How long handlers ran, to three digits. Quantiles are off by less than 9.6 %, or by half a millisecond; null without
 * any run.
 */
export type ProcessingTimes = {
  count: number
  meanMs: number | null
  p50Ms: number | null
  p95Ms: number | null
  p99Ms: number | null
}

/** What became of tasks, and how long their runs took. */
export type TaskCounts = {
  completed: number
  failed: number
  cancelled: number
  /** Attempts that were followed by another one. */
  retried: number
  /** Processing times of all runs that ended, also of those that failed. */
  processing: ProcessingTimes
}

/** Counts of all types of tasks together, and of each. */
export type TaskCountsByType = TaskCounts & { byType: Record<string, TaskCounts> }

/** What has been done here and in the cluster: counts and processing times. */
export type MetricsView = {
  v: 1
  /** What this node has done since its start. */
  node: TaskCountsByType
  /**
   * What all nodes have done together, as far as they have told: up to some seconds old. Nodes that are gone still
   * count, as long as a node that remembers them lives.
   */
  cluster: TaskCountsByType
}
