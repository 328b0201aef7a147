/** Shapes of what the node tells. */
export type {
  BulkPreview,
  BulkResult,
  GraphView,
  TaskCountsView as TaskCounts,
  TaskRow,
  TimelineView
} from '../../../node/api/lists-api.ts'
