/** Whom a task is placed with, what counts as a copy of it, and when others hear of it. */
import type { Mistake } from './mistake.ts'

const PLACED = ['test/core/steal/placement.test.ts']
const SIMULATED = ['test/sim/placement.test.ts']

export const PLACEMENT: readonly Mistake[] = [
  [
    'placed-draining',
    'core/steal/placement.ts',
    'if (draining || paused !== undefined || this.#isLate(boot)) continue',
    'if (paused !== undefined || this.#isLate(boot)) continue',
    'a task is placed with a node that drains',
    SIMULATED
  ],
  [
    'placed-paused',
    'core/steal/placement.ts',
    'if (draining || paused !== undefined || this.#isLate(boot)) continue',
    'if (draining || this.#isLate(boot)) continue',
    'a task is placed with a node that is paused',
    SIMULATED
  ],
  [
    'favoured-paused',
    'core/steal/affinity.ts',
    '!heartbeat.draining && heartbeat.paused === undefined',
    '!heartbeat.draining',
    'a task that prefers labels is given to a node that is paused',
    ['test/core/scheduling/scheduler.test.ts']
  ],
  [
    'placed-busy',
    'core/steal/placement.ts',
    '        free: pool.slots - this.#runningAt(boot, pool.name)',
    '        free: pool.slots',
    'a task is placed with a node that has no slot for it',
    PLACED
  ],
  [
    'placed-unheard',
    'core/steal/placement.ts',
    'this.#context.now - first.at >= PLACEMENT_ACK_MS_MAX',
    'first.at < 0',
    'tasks are placed with a node that has said nothing of an earlier one',
    PLACED
  ],
  [
    'placed-first-come',
    'core/steal/placement.ts',
    '      if (this.#queue.peek({ types, run: other => room.has(other) }) !== entry) continue\n',
    '',
    'a task is placed before one that is more urgent',
    PLACED
  ],
  [
    'placed-again',
    'core/steal/work-stealing.ts',
    "const isFresh = cause !== 'grant' && cause !== 'reclaim'",
    'const isFresh = cause !== null',
    'a task that was placed here is placed with somebody else',
    PLACED
  ],
  [
    'placed-by-paused',
    'core/steal/work-stealing.ts',
    'if (arrived.length === 0 || this.#scheduler.draining || this.#scheduler.paused) return',
    'if (arrived.length === 0) return',
    'a node that is paused places what it has',
    PLACED
  ],
  [
    'placed-stolen',
    'core/steal/work-stealing.ts',
    'count > 0 ? count - this.#aboutToStart(heartbeat, can) : 0',
    'count',
    'a task that is about to start is asked for',
    PLACED
  ],
  [
    'placed-untold',
    'core/steal/work-stealing.ts',
    "      this.#groupCommit.onceDurable({ kind: 'taken', from })\n",
    '      void from\n',
    'the node that was given a task does not say that it has it',
    PLACED
  ],
  [
    'placed-together',
    'core/steal/work-stealing.ts',
    'if (isAway(member, computer) || !apart) this.#groupCommit',
    'this.#groupCommit',
    'the copy is waited for of a node on the same computer, where none of it counts',
    PLACED
  ],
  [
    'placed-not-durable',
    'core/replication/placed-acks.ts',
    '      if (ack.seq > view.durableUpTo) continue\n',
    '',
    'a task is accepted before it is on the disk of its submitter',
    [...PLACED, ...SIMULATED]
  ],
  [
    'placed-not-copied',
    'core/replication/placed-acks.ts',
    'if (isEnough || now >= ack.deadline) {',
    'if (isEnough || now >= at) {',
    'a task is accepted before whoever was given it has it on disk',
    PLACED
  ],
  [
    'placed-counted-twice',
    'core/replication/placed-acks.ts',
    'release({ ...ack.pending, copies: disks.copies, short })',
    'release({ ...ack.pending, copies: disks.copies + 1, short })',
    'the copy of whoever was given the task is counted twice',
    PLACED
  ],
  [
    'placed-silent',
    'core/replication/placed-acks.ts',
    'placed.asked = isLost || now - at >= PLACEMENT_ACK_MS_MAX',
    'placed.asked = isLost',
    'nobody else is asked for a copy when whoever was given the task says nothing',
    PLACED
  ],
  [
    'placed-lost',
    'core/replication/placed-acks.ts',
    'placed.asked = isLost || now - at >= PLACEMENT_ACK_MS_MAX',
    'placed.asked = isLost === null || now - at >= PLACEMENT_ACK_MS_MAX',
    'nobody else is asked for a copy when whoever was given the task is out of reach',
    PLACED
  ],
  [
    'told-undurable',
    'core/log/log.ts',
    'const last = Math.min(upTo, log.durableUpTo)',
    'const last = Math.min(upTo, log.upTo)',
    'what is not on disk is told',
    SIMULATED
  ],
  [
    'given-undurable',
    'core/steal/work-stealing.ts',
    'const records = entries.map(entry => entry.durable!)',
    'const records = entries.map(entry => entry.record)',
    'what is given is not what is on disk',
    PLACED
  ],
  [
    'taken-creates-nothing',
    'core/log/origins.ts',
    'if (spec.idempotencyKey !== null || created.some(each => this.hasSeen(each))) return record',
    'if (spec.idempotencyKey !== undefined) return record',
    'whoever was given a task creates nothing by that, and the creation may be lost with its submitter',
    ['test/core/log/taken-in.test.ts']
  ],
  [
    'late-unknown',
    'core/replication/dissemination.ts',
    'log.origins.hasMerged(write) && wallMs - hlcMs(submittedAt) >= KNOWN_AFTER_MS',
    'log.origins.hasMerged(write) && wallMs >= hlcMs(submittedAt)',
    'what has become of a task is told to those who may not have heard of it',
    ['test/core/replication/dissemination.test.ts']
  ],
  [
    'late-fetched',
    'core/replication/lag.ts',
    'return now - noted.since >= this.#delayMs',
    'return now - noted.since >= 0 * this.#delayMs',
    'news that are late are fetched as if they were lost',
    SIMULATED
  ],
  [
    'late-for-all',
    'core/options.ts',
    'gatherBusyMs: 250,',
    'gatherBusyMs: 1250,',
    'news are told later than others wait for them',
    SIMULATED
  ],
  [
    'late-after-verdict',
    'core/replication/group-commit.ts',
    '    if (isVerdict) this.dissemination.tellAll()\n',
    '    void isVerdict\n',
    'late news come to whoever takes work over when it is too late',
    ['test/core/replication/dissemination.test.ts']
  ],
  [
    'slot-time-of-run',
    'core/scheduling/scheduler.ts',
    'this.#runtimeEstimate.ran(type, slotMs)',
    'this.#runtimeEstimate.ran(type, Math.min(slotMs, durationMs))',
    'a thief takes too much ahead where tasks wait for blobs while they have a slot',
    ['test/sim/stealing.test.ts']
  ],
  [
    'slot-time-of-last',
    'core/scheduling/seats.ts',
    '(this.#hadMs.get(id) ?? 0) + this.#clock.now - since',
    'this.#clock.now - since',
    'what a task waited for before it gave up its slot and had another does not count',
    ['test/core/scheduling/seats.property.test.ts']
  ]
]
