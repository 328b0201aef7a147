/** The floor of the queue: what waits, and what is ready. */
export { Carried } from './carried-outcomes.ts'
export { Dependencies } from './dependencies.ts'
export { ReadinessRules, stateOf } from './readiness.ts'
export { canIn, ReadyQueue } from './ready-queue.ts'
export { Timers } from './timers.ts'
