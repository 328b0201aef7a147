/** What is on which disk, and when it may go. */
import type { Mistake } from './mistake.ts'

export const LOG: readonly Mistake[] = [
  [
    'ack-not-durable',
    'core/log/copies.ts',
    '        if (waiting.seq > view.durableUpTo) break\n',
    '',
    'a submission is acknowledged before it is on the disk of its own node'
  ],
  [
    'once-durable-at-once',
    'core/replication.ts',
    '    if (this.#context.log.isDurable) return done()\n',
    '    return done()\n',
    'what should wait for the disk does not: grants, answers'
  ],
  [
    'ack-merged',
    'core/replication.ts',
    '        : new Map([origin, self].flatMap(boot => entryOf(log.durableVector, boot)))\n',
    '        : new Map([origin, self].map(boot => [boot, log.merged(boot)] as const))\n',
    'a member acknowledges what it has merged and not yet on its disk'
  ],
  [
    'acks-ignored',
    'core/log/copies.ts',
    '        if (!isEnough && now < waiting.deadline) break\n',
    '',
    'a submission is acknowledged although no member has a copy'
  ],
  [
    'acks-together',
    'core/log/copies.ts',
    'isEnough: copies >= wanted && !isTogether',
    'isEnough: copies >= wanted',
    'a submission is acknowledged with all copies on one computer',
    ['test/core/computers.test.ts']
  ],
  [
    'report-together',
    'core/reporting.ts',
    'return disksWith(members, [this.#madeBy(entry)], computer).isApart',
    'return disksWith(members, [this.#madeBy(entry)], computer).copies > 0',
    'an outcome is reported that is on one computer only',
    ['test/core/computers.test.ts']
  ],
  [
    'blob-together',
    'core/blobs/holders.ts',
    'areApart(keeper.computer, first!.computer) &&',
    'keeper !== first &&',
    'a blob is kept on one computer',
    ['test/core/computers.test.ts']
  ],
  [
    'taken-not-written',
    'core/log/log.ts',
    'if (merged?.changed === true) this.write(merged.entry, {}, false)',
    'void merged',
    'what comes outside the log is in no notebook, and comes to nobody else',
    ['test/core/taken-in.test.ts']
  ],
  [
    'named-taken-back',
    'core/log/log.ts',
    'if (!origins.cloud.has(dot) || !isFinal(record)) return false',
    'if (origins.cloud.has(dot) || !isFinal(record)) return false',
    'a write that was named as forgotten is told again, and others of the same task are not',
    ['test/core/log.test.ts']
  ],
  [
    'report-alone',
    'core/reporting.ts',
    'if (record.outcome!.by === self) return this.#await(entry, lastOf(writes, self), watched)',
    'if (record.outcome!.by === self) return this.#report(entry)',
    'an outcome is reported that is on one disk only'
  ],
  [
    'report-by-an-earlier-write',
    'core/reporting.ts',
    'heard?.outcome === record.outcome && made.seq > heard.before',
    'heard !== null',
    'an outcome is reported that others do not have: they know only what its maker had written before',
    ['test/core/computers.test.ts']
  ],
  [
    'report-undone',
    'core/reporting.ts',
    'if (!isSettled(entry.record)) return void (entry.reportDue = false)',
    '',
    'a failure is reported that somebody has undone',
    ['test/core/reporting.test.ts']
  ],
  [
    'prune-reachable-only',
    'core/pruning.ts',
    'log.durableCoverage, ...members.awaited(now)]',
    'log.durableCoverage, ...members.reachable()]',
    'a task is forgotten although members that are silent may not have its outcome'
  ],
  [
    'prune-failed-early',
    'core/pruning.ts',
    "const isFinal = caughtUp || outcome!.status !== 'failed'",
    'const isFinal = caughtUp || !caughtUp',
    'a failure is forgotten before all that may undo it was heard'
  ],
  [
    'prune-strange-authors',
    'core/pruning.ts',
    '    if (strange.some(boot => !authors.isNobody(boot, this.#context))) return false\n',
    '',
    'a failure is forgotten although somebody of whom only the log tells may have undone it',
    ['test/core/authors.test.ts']
  ],
  [
    'prune-lost-never',
    'core/pruning.ts',
    'return isOver && reaches.every(of => of(origin) < seq)',
    'return isOver && reaches.length === 0',
    'a task is kept for ever if the only disk with its creation is lost',
    ['test/core/lost-creation.test.ts']
  ],
  [
    'prune-lost-early',
    'core/pruning.ts',
    'return isOver && reaches.every(of => of(origin) < seq)',
    'return isOver || reaches.every(of => of(origin) < seq)',
    'a task is forgotten although the boot that created it may be there',
    ['test/core/lost-creation.test.ts']
  ],
  [
    'nobody-at-once',
    'core/authors.ts',
    ' >= options.unknownMs',
    ' >= 0 * options.unknownMs',
    'a boot of which nobody has told yet counts as ended',
    ['test/core/authors.test.ts', 'test/core/lost-creation.test.ts']
  ],
  [
    'close-unseen',
    'core/closing.ts',
    'if (isLast && (oldest === undefined || oldest > boot)) log.close(boot)',
    'if (isLast) log.close(boot)',
    'a boot is closed although a task is here whose creation by it has not come',
    ['test/core/lost-creation.test.ts']
  ],
  [
    'prune-named',
    'core/pruning.ts',
    'durable !== record || this.#dependencies.isNamed(entry.id)',
    'durable !== record',
    'a task is forgotten on which one that has not settled depends'
  ],
  [
    'room-ignores-floor',
    'core/pruning.ts',
    'const floor = this.room.agreed()',
    'const { floor } = this.room',
    'a task goes for lack of room while somebody may still take another that depends on it'
  ],
  [
    'room-never-made',
    'core/room.ts',
    '    this.#floor = floor\n    const { log',
    '    const { log',
    'what is too much is kept for as long as there is time for it'
  ],
  [
    'prune-unreported',
    'core/pruning.ts',
    'if (!reported || durable !== record ||',
    'if (durable !== record || (reported && !reported) ||',
    'a task is forgotten before its outcome was reported'
  ],
  [
    'spent-not-noted',
    'core/pruning.ts',
    'spec.idempotencyKey !== null && wallMs < end) spent.note',
    'spec.idempotencyKey !== null && wallMs < end && end < 0) spent.note',
    'a key whose task was forgotten for lack of room names a new task'
  ],
  [
    'one-blob-copy',
    'core/blobs/holders.ts',
    'const COPIES = 2',
    'const COPIES = 1',
    'a blob is kept by one node'
  ],
  [
    'blob-not-placed',
    'core/keeping.ts',
    'wanted: acks === 0 ? 0 : 1',
    'wanted: 0',
    'a record is written before its blob is on two nodes'
  ],
  [
    'blob-only-place-left',
    'core/keeping.ts',
    'this.#draining && this.#isSecondPlace(keepers)',
    'false',
    'whoever leaves lets go of a blob that only one other has, long before it has gone'
  ],
  [
    'blob-crashed-keeper',
    'core/keeping.ts',
    'if (member === undefined || isOut(member) || member.crashed) return false',
    'if (member === undefined || isOut(member)) return false',
    'a node that has crashed counts as one that keeps a blob'
  ],
  [
    'blob-old-boot',
    'core/keeping.ts',
    'return blob.keepers.get(node) === member.heartbeat.boot',
    'return blob.keepers.has(node)',
    'a blob counts as there that an earlier boot of its node had'
  ],
  [
    'leave-blobs',
    'core/keeping.ts',
    '    if (!this.#placements.isEmpty) return false\n    const keepers = this.#candidates()\n    return [',
    '    if (this.#placements.isEmpty) return true\n    const keepers = this.#candidates()\n    return [',
    'a node leaves with the only copy of a blob'
  ],
  [
    'leave-log',
    'core/replication.ts',
    '    const { log, self } = this.#context\n    const { durableVector } = log\n',
    '    if (this.#prompt.size >= 0) return true\n    const { log, self } = this.#context\n    const { durableVector } = log\n',
    'a node leaves before what it wrote is on other disks'
  ],
  [
    'clock-not-adopted',
    'core/replication.ts',
    '      clock.adopt(latestStamp(record), wallMs)\n',
    '      void [clock, latestStamp, wallMs]\n',
    'stamps that come from others do not push the own clock'
  ],
  [
    'clock-adopts-anything',
    'core/base/hlc.ts',
    'if (seen - nowMs * 1000 <= SKEW_MAX_US) this.',
    'if (seen - nowMs * 1000 <= SKEW_MAX_US * 1e9) this.',
    'a stamp that is years ahead pushes the own clock there'
  ],
  [
    'close-early',
    'core/closing.ts',
    'told.every(isShared)',
    'told.some(isShared)',
    'a boot is closed before everybody has all that it wrote'
  ],
  [
    'key-unasked',
    'core/first-use.ts',
    'return this.#room.hasDropped && ',
    'return !this.#room.hasDropped && ',
    'a node that came later takes a key that has been used for a new one, and asks nobody'
  ],
  [
    'thief-insists',
    'core/steal/thief.ts',
    '{ ...this.#open, ready: Infinity }',
    'this.#open',
    'a thief asks a slow holder again and again, and nobody else',
    ['test/core/steal.test.ts']
  ],
  [
    'later-boot-unheard',
    'core/log/log.ts',
    'if (origin === this.#self || this.origins.isClosed(origin))',
    'if (this.origins.isOwn(origin) || this.origins.isClosed(origin))',
    'what a later boot of the same node has written is not taken in',
    ['test/core/log.test.ts']
  ],
  [
    'close-uncrashed',
    'core/closing.ts',
    'members.lasting(now)',
    'members.awaited(now)',
    'a boot is closed although somebody who has crashed may have more of it',
    ['test/sim/folders.test.ts']
  ],
  [
    'close-rival',
    'core/closing.ts',
    ' && members.isOnlyBoot(node, now)',
    '',
    'a boot is closed that goes on, because a copy of it was started later',
    ['test/sim/folders.test.ts']
  ],
  [
    'blob-to-forgetful',
    'core/keeping.ts',
    '    if (named && this.#isPast(hash)) return false\n',
    '',
    'a blob is left to holders that have forgotten the task which names it'
  ],
  [
    'nobody-to-ask-is-coming',
    'core/keeping.ts',
    '      blob.retryAt = now + options.blobRetryMs\n      return false\n',
    '      return false\n',
    'a task whose blob nobody is there to send keeps its slot for ever'
  ]
]
