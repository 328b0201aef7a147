/** The floor of scheduling: tasks come in, get a slot and run. */
export { Scheduler } from './scheduler.ts'
