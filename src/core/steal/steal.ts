/** The floor of stealing: work moves between nodes that live. */
export { WorkStealing } from './work-stealing.ts'
