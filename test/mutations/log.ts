/** What is on which disk, and when it may go. */
import type { Mistake } from './mistake.ts'

const BLOBS = ['test/core/blobs/blob-replication.test.ts']
const REPORTS = ['test/core/replication/reporting.test.ts']

export const LOG: readonly Mistake[] = [
  [
    'ack-not-durable',
    'core/replication/ack-wait.ts',
    '        if (waiting.seq > view.durableUpTo) break\n',
    '',
    'a submission is acknowledged before it is on the disk of its own node'
  ],
  [
    'once-durable-at-once',
    'core/replication/group-commit.ts',
    '    if (log.isDurable) return release(pending)\n',
    '    return release(pending)\n',
    'what should wait for the disk does not: grants, answers'
  ],
  [
    'ack-merged',
    'core/replication/group-commit.ts',
    '        : new Map([origin, self].flatMap(boot => entryOf(log.durableVector, boot)))\n',
    '        : new Map([origin, self].map(boot => [boot, log.merged(boot)] as const))\n',
    'a member acknowledges what it has merged and not yet on its disk'
  ],
  [
    'acks-ignored',
    'core/replication/ack-wait.ts',
    '        if (!isEnough && now < waiting.deadline) break\n',
    '',
    'a submission is acknowledged although no member has a copy'
  ],
  [
    'acks-together',
    'core/replication/ack-wait.ts',
    'isEnough: copies >= wanted && !isTogether',
    'isEnough: copies >= wanted',
    'a submission is acknowledged with all copies on one computer',
    ['test/core/base/computers.test.ts']
  ],
  [
    'report-together',
    'core/replication/reporting.ts',
    'return disksWith(members, [this.#madeBy(entry)], computer).isApart',
    'return disksWith(members, [this.#madeBy(entry)], computer).copies > 0',
    'an outcome is reported that is on one computer only',
    ['test/core/base/computers.test.ts']
  ],
  [
    'blob-together',
    'core/blobs/holders.ts',
    'areApart(keeper.computer, first!.computer) &&',
    'keeper !== first &&',
    'a blob is kept on one computer',
    ['test/core/base/computers.test.ts']
  ],
  [
    'taken-not-written',
    'core/log/log.ts',
    'if (merged?.changed === true) this.write(merged.entry, {}, false)',
    'void merged',
    'what comes outside the log is in no notebook, and comes to nobody else',
    ['test/core/log/taken-in.test.ts']
  ],
  [
    'named-taken-back',
    'core/log/origins.ts',
    'if (!this.dotCloud.has(dot) || !isFinal(record)) return false',
    'if (this.dotCloud.has(dot) || !isFinal(record)) return false',
    'a write that was named as forgotten is told again, and others of the same task are not',
    ['test/core/log/log.test.ts']
  ],
  [
    'report-alone',
    'core/replication/reporting.ts',
    'if (record.outcome!.by === self) return this.#await(entry, lastOf(writes, self), watched)',
    'if (record.outcome!.by === self) return this.#report(entry)',
    'an outcome is reported that is on one disk only'
  ],
  [
    'report-by-an-earlier-write',
    'core/replication/reporting.ts',
    'heard?.outcome === record.outcome && made.seq > heard.before',
    'heard !== null',
    'an outcome is reported that others do not have: they know only what its maker had written before',
    ['test/core/base/computers.test.ts']
  ],
  [
    'report-undone',
    'core/replication/reporting.ts',
    'if (!isSettled(entry.record)) return void (entry.reportDue = false)',
    '',
    'a failure is reported that somebody has undone',
    ['test/core/replication/reporting.test.ts']
  ],
  [
    'prune-reachable-only',
    'core/gc/pruning.ts',
    'log.durableCoverage, ...members.mayLive(now)]',
    'log.durableCoverage, ...members.linked()]',
    'a task is forgotten although members that are silent may not have its outcome'
  ],
  [
    'prune-failed-early',
    'core/gc/pruning.ts',
    "const isFinal = caughtUp || outcome!.status !== 'failed'",
    'const isFinal = caughtUp || !caughtUp',
    'a failure is forgotten before all that may undo it was heard'
  ],
  [
    'prune-strange-authors',
    'core/gc/pruning.ts',
    '    if (strange.some(boot => !unknownOrigins.isNobody(boot, this.#context))) return false\n',
    '',
    'a failure is forgotten although somebody of whom only the log tells may have undone it',
    ['test/core/membership/unknown-origins.test.ts']
  ],
  [
    'prune-lost-never',
    'core/gc/pruning.ts',
    'return isOver && !reaches.some(of => covers(of, { origin, seq }))',
    'return isOver && reaches.length === 0',
    'a task is kept for ever if the only disk with its creation is lost',
    ['test/core/gc/lost-creation.test.ts']
  ],
  [
    'prune-lost-early',
    'core/gc/pruning.ts',
    'return isOver && !reaches.some(of => covers(of, { origin, seq }))',
    'return isOver || !reaches.some(of => covers(of, { origin, seq }))',
    'a task is forgotten although the boot that created it may be there',
    ['test/core/gc/lost-creation.test.ts']
  ],
  [
    'nobody-at-once',
    'core/membership/unknown-origins.ts',
    ' >= options.unknownMs',
    ' >= 0 * options.unknownMs',
    'a boot of which nobody has told yet counts as ended',
    ['test/core/membership/unknown-origins.test.ts', 'test/core/gc/lost-creation.test.ts']
  ],
  [
    'close-unseen',
    'core/gc/boot-compaction.ts',
    'if (isLast && (oldest === undefined || oldest > boot)) log.close(boot)',
    'if (isLast) log.close(boot)',
    'a boot is closed although a task is here whose creation by it has not come',
    ['test/core/gc/lost-creation.test.ts']
  ],
  [
    'prune-named',
    'core/gc/pruning.ts',
    'if (this.#dependencies.isNamed(entry.id)) return false',
    '',
    'a task is forgotten on which one that has not settled depends'
  ],
  [
    'room-ignores-floor',
    'core/gc/pruning.ts',
    'const floor = this.settledFloor.agreed()',
    'const { floor } = this.settledFloor',
    'a task goes for lack of room while somebody may still take another that depends on it'
  ],
  [
    'room-never-made',
    'core/gc/settled-floor.ts',
    '    this.#floor = floor\n    const { log',
    '    const { log',
    'what is too much is kept for as long as there is time for it'
  ],
  [
    'prune-unreported',
    'core/gc/pruning.ts',
    '|| !reported || durable !== record)',
    '|| durable !== record || (reported && !reported))',
    'a task is forgotten before its outcome was reported'
  ],
  [
    'spent-not-noted',
    'core/gc/pruning.ts',
    'spec.idempotencyKey !== null && wallMs < end) keyTombstones.note',
    'spec.idempotencyKey !== null && wallMs < end && end < 0) keyTombstones.note',
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
    'core/blobs/blob-replication.ts',
    'wanted: acks === 0 ? 0 : 1',
    'wanted: 0',
    'a record is written before its blob is on two nodes'
  ],
  [
    'blob-only-place-left',
    'core/blobs/blob-replication.ts',
    'this.#keepers.isDraining && this.#isSecondPlace(keepers)',
    'false',
    'whoever leaves lets go of a blob that only one other has, long before it has gone',
    BLOBS
  ],
  [
    'blob-crashed-keeper',
    'core/blobs/blob-replication.ts',
    'if (member === undefined || isOut(member) || member.crashed) return false',
    'if (member === undefined || isOut(member)) return false',
    'a node that has crashed counts as one that keeps a blob'
  ],
  [
    'blob-old-boot',
    'core/blobs/blob-replication.ts',
    'return blob.keepers.get(node) === member.heartbeat.boot',
    'return blob.keepers.has(node)',
    'a blob counts as there that an earlier boot of its node had'
  ],
  [
    'leave-blobs',
    'core/blobs/blob-replication.ts',
    '    if (!this.#copyWait.isEmpty) return false\n    const keepers = this.#keepers.all()\n    return [',
    '    if (this.#copyWait.isEmpty) return true\n    const keepers = this.#keepers.all()\n    return [',
    'a node leaves with the only copy of a blob',
    BLOBS
  ],
  [
    'leave-log',
    'core/replication/group-commit.ts',
    '  get isSafeElsewhere(): boolean {\n',
    '  get isSafeElsewhere(): boolean {\n    if (this.#owed.size >= 0) return true\n',
    'a node leaves before what it wrote is on other disks'
  ],
  [
    'lost-claim-not-confirmed',
    'core/replication/group-commit.ts',
    '    const isAsked = asksAll(batch)\n',
    '    const isAsked = asksAll({ ...batch, records: merged.changed.map(({ record }) => record), changes: [] })\n',
    'a claim that loses where it arrives is not confirmed with all that is there',
    ['test/core/replication/acknowledging.test.ts']
  ],
  [
    'first-in-line-since-silent',
    'core/replication/dissemination.ts',
    '    if (first === node) return true\n',
    '    if (first === node) return false\n',
    'whoever becomes the ack partner after it has heard of a write acknowledges it with its heartbeat only',
    ['test/core/replication/acknowledging.test.ts']
  ],
  [
    'haste-for-all-lost',
    'core/replication/group-commit.ts',
    '      this.#answerSoon.has(origin) || this.dissemination.isInLineFor(origin)\n',
    '      this.dissemination.isInLineFor(origin)\n',
    'who waits for all to know of a key waits for their heartbeats',
    ['test/core/gc/key-tombstones.test.ts']
  ],
  [
    'clock-not-adopted',
    'core/replication/group-commit.ts',
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
    'core/gc/boot-compaction.ts',
    'told.every(isShared)',
    'told.some(isShared)',
    'a boot is closed before everybody has all that it wrote'
  ],
  [
    'key-unasked',
    'core/scheduling/first-use.ts',
    'return this.#settledFloor.hasDropped && ',
    'return !this.#settledFloor.hasDropped && ',
    'a node that came later takes a key that has been used for a new one, and asks nobody'
  ],
  [
    'thief-insists',
    'core/steal/thief.ts',
    '{ ...this.#open, ready: Infinity }',
    'this.#open',
    'a thief asks a slow holder again and again, and nobody else',
    ['test/core/steal/work-stealing.test.ts']
  ],
  [
    'close-uncrashed',
    'core/gc/boot-compaction.ts',
    'members.lasting(now)',
    'members.awaited(now)',
    'a boot is closed although somebody who has crashed may have more of it',
    ['test/sim/folders.test.ts']
  ],
  [
    'blob-to-forgetful',
    'core/blobs/blob-replication.ts',
    'this.#isPast(hash) || ',
    '',
    'a blob is left to holders that have forgotten the task which names it'
  ],
  [
    'nobody-to-ask-is-coming',
    'core/blobs/blob-replication.ts',
    '      blob.retryAt = now + options.blobRetryMs\n      return false\n',
    '      return false\n',
    'a task whose blob nobody is there to send keeps its slot for ever'
  ],
  [
    'leaver-believes-old-words',
    'core/blobs/blob-replication.ts',
    '      for (const blob of this.#blobs.values()) this.#askAnew(blob)\n',
    '',
    'who leaves counts those as having a blob who have let go of it since'
  ],
  [
    'blob-to-leaver',
    'core/blobs/blob-replication.ts',
    ' || this.#isHolderGoing(hash)',
    '',
    'a blob is left to a holder that is about to leave'
  ],
  [
    'late-dependency-unsecured',
    'core/scheduling/scheduler.ts',
    'if (this.isPast(id)) this.#blobReplication.secure(id)',
    'this.isPast(id)',
    'who alone knows that a task is needed beyond its time leaves its blobs to those who have forgotten it'
  ],
  [
    'report-without-blob',
    'core/core.ts',
    '        if (this.#blobReplication.placeResult(due)) return\n',
    '',
    'a large result of a node that was alone is reported before whoever has come has it'
  ],
  [
    'told-and-pruned-at-once',
    'core/core.ts',
    '    this.#prune()\n    this.#blobReplication.tick()\n',
    '    this.#blobReplication.tick()\n    this.#prune()\n',
    'a task is pruned in the step that reports it'
  ],
  [
    'given-up-one-by-one',
    'core/queue/dependencies.ts',
    'this.#givenUp.add(id)',
    'this.#givenUp.delete(id)',
    'each of several dependencies that nobody knows is waited for as long once more'
  ],
  [
    'no-second-place-that-drains',
    'core/blobs/blob-replication.ts',
    'placing ? this.#keepers.secondPlaces()',
    'placing ? this.#keepers.all()',
    'a large result beside one node that drains waits twice as long as for any copy',
    BLOBS
  ],
  [
    'report-overtaken',
    'core/replication/reporting.ts',
    '!this.#isOvertaken(entry, outcome, since)',
    'outcome !== null',
    'how a task ended is told while a computer that came since has its large result, and not that it ended',
    ['test/core/replication/reporting.test.ts']
  ],
  [
    'report-superseded',
    'core/replication/reporting.ts',
    '    if (!entry.reported && entry.record.outcome !== outcome) return this.#replaced(entry)\n',
    '',
    'a failure that waited is told though another outcome stands above it, which is on no disk here',
    REPORTS
  ],
  [
    'report-superseded-landing',
    'core/replication/reporting.ts',
    '!entry.reportDue && entry.record.outcome === tasks[i]!.record.outcome',
    '!entry.reportDue && tasks.length > i',
    'how a task ended is told when a flush has landed that has another outcome',
    REPORTS
  ],
  [
    'report-superseded-early',
    'core/replication/reporting.ts',
    'if (entry.durable?.outcome === entry.record.outcome) this',
    'this',
    'an outcome that took the place of another one is told before it is on disk',
    REPORTS
  ],
  [
    'report-superseded-never',
    'core/replication/reporting.ts',
    '    entry.reportDue = false\n    if (entry.durable',
    '    if (entry.durable',
    'an outcome that took the place of another one is never told',
    REPORTS
  ],
  [
    'reads-only-what-it-read',
    'core/blobs/pins.ts',
    '!known.has(hash)',
    'before.length === 0 && !known.has(hash)',
    'a blob that a waiting task turns out to read is never fetched'
  ],
  [
    'sync-with-all',
    'core/replication/anti-entropy.ts',
    '    if (this.#asked !== null) return\n',
    '',
    'everybody who tells of what is lacking is asked for all of it at once',
    ['test/core/replication/anti-entropy.test.ts']
  ],
  [
    'leave-unreadable',
    'core/replication/disks.ts',
    '!unreadable.has(dot) && !keepers.some',
    '!keepers.some',
    'a node never leaves where nobody, itself included, could read what one wrote who has gone',
    ['test/core/log/unreadable-members.test.ts']
  ]
]
