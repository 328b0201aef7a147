/** The floor of garbage collection: what may be pruned, and what is kept of it. */
export { retireBoots } from './boot-compaction.ts'
export { KeyTombstones } from './key-tombstones.ts'
export { Pruning } from './pruning.ts'
