/** The floor of telemetry: what is counted, and what observers are told. */
export { Counters } from './counters.ts'
export { CountsGossip } from './counts-gossip.ts'
export { Histogram } from './histogram.ts'
export { taskEventsOf } from './task-events.ts'
