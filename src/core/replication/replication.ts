/** The floor of replication: the log on its way to disk, to others and back. */
export { judgementOf } from './ack-wait.ts'
export { AntiEntropy } from './anti-entropy.ts'
export { canReachApart, disksWith, isAway } from './disks.ts'
export { GroupCommit } from './group-commit.ts'
export { LooseWrites } from './loose-writes.ts'
export { OpenAnswers } from './open-answers.ts'
export { newsOf, snapshotOf } from './snapshot.ts'
export { TaskLookup } from './task-lookup.ts'
