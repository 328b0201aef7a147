/** The floor of telemetry: what is counted, and what is told to whoever looks on. */
export { Counters } from './counters.ts'
export { CountsGossip } from './counts-gossip.ts'
export { Histogram } from './histogram.ts'
export { taskEventsOf } from './task-events.ts'
