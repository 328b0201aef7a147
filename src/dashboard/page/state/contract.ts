/** Shapes of what the node tells. */
export type { TaskCountsView as TaskCounts, TaskRow } from '../../../node/api/lists-api.ts'
