/** The floor of the life cycle: a node wakes up, rests, fences itself and goes. */
export { Idle } from './idle.ts'
export { SelfFencing } from './self-fencing.ts'
export { Shutdown } from './shutdown.ts'
export { Waking } from './waking.ts'
export { contextOf } from './make-context.ts'
