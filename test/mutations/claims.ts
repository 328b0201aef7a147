/** Who may start a task, when, and how often. */
import type { Mistake } from './mistake.ts'

export const CLAIMS: readonly Mistake[] = [
  [
    'grant-drops-backoff',
    'core/claim/rules.ts',
    "    notBefore: record.claim.notBefore,\n    cause: 'grant'",
    "    notBefore: null,\n    cause: 'grant'",
    'whoever is granted a task that waits for its backoff starts it at once'
  ],
  [
    'unheard-keeps-thief',
    'core/queue/readiness.ts',
    '    return this.#dependencies.readyElsewhere(entry.id) &&',
    '    return this.#dependencies.ready(entry.id) &&',
    'a thief takes a dependency that it has never heard of for open, although only the holder can tell'
  ],
  [
    'reclaim-drops-backoff',
    'core/claim/rules.ts',
    'notBefore: wasRunning ? null : notBefore,',
    'notBefore: null,',
    'whoever takes a task over that waits for its backoff starts it at once'
  ],
  [
    'reclaim-resets-attempt',
    'core/claim/rules.ts',
    '    holder: self,\n    attempt,\n    hops: 0,',
    '    holder: self,\n    attempt: 1,\n    hops: 0,',
    'who takes a task over counts its attempts anew'
  ],
  [
    'reclaim-bumps-attempt',
    'core/claim/rules.ts',
    '    holder: self,\n    attempt,\n    hops: 0,',
    '    holder: self,\n    attempt: attempt + 1,\n    hops: 0,',
    'taking a task over costs it one of its retries'
  ],
  [
    'grant-resets-attempt',
    'core/claim/rules.ts',
    '    holder: to,\n    attempt,\n',
    '    holder: to,\n    attempt: 1,\n',
    'a task that is granted has its attempts counted anew'
  ],
  [
    'grant-drops-lost',
    'core/claim/rules.ts',
    '    lost,\n    notBefore: record.claim.notBefore,',
    '    lost: [],\n    notBefore: record.claim.notBefore,',
    'a task that is granted forgets which nodes were lost with it'
  ],
  [
    'lost-not-counted',
    'core/claim/rules.ts',
    '[unheard, wasRunning ? holder : null]',
    '[unheard]',
    'a task that takes its nodes down is never given up'
  ],
  [
    'lost-counts-unstarted',
    'core/claim/rules.ts',
    '[unheard, wasRunning ? holder : null]',
    '[unheard, holder]',
    'a node that is lost counts against tasks that it only had in its queue'
  ],
  [
    'verdict-unconfirmed',
    'core/scheduling/scheduler.ts',
    'this.#mayHaveEnded(entry)\n      ? null\n      : ',
    'false\n      ? null\n      : ',
    'whoever takes over what is cancelled or overdue ends it so, though somebody knows that it has completed'
  ],
  [
    'lost-unheard-not-counted',
    'core/claim/rules.ts',
    'return claim.lost.at(-1) === started.by ? null : started.by',
    'return null',
    'a node that is lost does not count if whoever took its task over had not heard of the start'
  ],
  [
    'failure-forgotten-after-two',
    'core/claim/rules.ts',
    'return claim.attempt > spec.maxRetries && claim.notBefore === null',
    'return false',
    'a failure that was told is tried again, if two took the task over that had not heard of it'
  ],
  [
    'failure-counts-before-last-retry',
    'core/claim/rules.ts',
    'return claim.attempt > spec.maxRetries && claim.notBefore === null',
    'return claim.attempt > spec.maxRetries',
    'a task that waits for its last attempt fails when it is taken over twice'
  ],
  [
    'lost-off-by-one',
    'core/claim/rules.ts',
    'claim.lost.length > spec.maxLost',
    'claim.lost.length >= spec.maxLost',
    'a task is given up one lost node too early'
  ],
  [
    'retries-off-by-one',
    'core/claim/rules.ts',
    'claim.attempt > spec.maxRetries) return patch',
    'claim.attempt >= spec.maxRetries) return patch',
    'a task is tried once less than it may be'
  ],
  [
    'hops-not-counted',
    'core/claim/rules.ts',
    'Math.min(hops + 1, HOPS_MAX)',
    'Math.min(hops, HOPS_MAX)',
    'a task may be handed on without end'
  ],
  [
    'epoch-taken-ignored',
    'core/claim/rules.ts',
    "  if (claim.cause === 'grant' && claim.epoch <= reclaimedAt) return true\n",
    '',
    'a grant that turns up after its epoch was reclaimed is started all the same'
  ],
  [
    'start-barrier-only-once',
    'core/claim/rules.ts',
    "  return spec.delivery === 'at-most-once' || claim.lost.length > 0 || wasReclaimed({ claim })",
    "  return spec.delivery === 'at-most-once' && (claim.lost.length >= 0 || wasReclaimed({ claim }))",
    'what has been reclaimed starts without another node knowing of it'
  ],
  [
    'start-barrier-not-for-once',
    'core/claim/rules.ts',
    "  return spec.delivery === 'at-most-once' || claim.lost.length > 0 || wasReclaimed({ claim })",
    "  return spec.delivery === 'at-least-once' && (claim.lost.length > 0 || wasReclaimed({ claim }))",
    'what may run at most once starts without another node knowing of it'
  ],
  [
    'start-barrier-gives-up',
    'core/claim/start-barrier.ts',
    'if (!short || !mustBeKnown) this.#known.add(begun)',
    'if (short !== null || !mustBeKnown) this.#known.add(begun)',
    'what may run at most once starts although nobody has confirmed to know of it'
  ],
  [
    'age-only',
    'core/task/urgency.ts',
    'return b.priority - a.priority || a.submittedAt',
    'return a.submittedAt',
    'ready tasks start by age, whatever their priority'
  ],
  [
    'youngest-first',
    'core/task/urgency.ts',
    'a.submittedAt - b.submittedAt ||',
    'b.submittedAt - a.submittedAt ||',
    'of tasks as urgent as each other the youngest starts first'
  ],
  [
    'failure-releases',
    'core/queue/dependencies.ts',
    '      for (const { id } of waiting) add(this.#failures, entry.id, id)\n      return waiting\n',
    '      return waiting\n',
    'a dependency that has failed lets go those that depend on it'
  ],
  [
    'mended-not-woken',
    'core/queue/dependencies.ts',
    '    return mended.length === 0 ? waiting : [...waiting, ...mended]',
    '    return mended.length < 0 ? mended : waiting',
    'a failure that turns into a completion wakes nobody who depends on it'
  ],
  [
    'once-silent-reclaim',
    'core/claim/reclaim.ts',
    "      if (!isProven && entry.record.spec.delivery === 'at-most-once') continue\n",
    '      void isProven\n',
    'what may run at most once is taken from a node that is only silent'
  ],
  [
    'once-confirmed-like-others',
    'core/claim/reclaim.ts',
    "spec.delivery === 'at-least-once' ? null : nodeOf(claim.holder)",
    'spec.delivery !== null ? null : nodeOf(claim.holder)',
    'before what may run at most once is started anew, those that are away are not asked'
  ],
  [
    'key-not-confirmed',
    'core/claim/reclaim.ts',
    '    this.#barrier.add([{ entry, seq: this.#context.log.nextSeq - 1 }])\n',
    '    void entry\n',
    'a task under a key starts before the others have confirmed to know of it'
  ],
  [
    'key-answers-at-once',
    'core/scheduling/submission.ts',
    '    if (input.id === null || entry === undefined) return',
    "    if (input.id !== '' || entry === undefined) return",
    'who submits under a key is answered before it is known who was first'
  ],
  [
    'orphan-over',
    'core/claim/reclaim.ts',
    '    this.#orphans.delete(entry)\n  }\n\n  /** A boot has spoken',
    '  }\n\n  /** A boot has spoken',
    'a task out of a file that is over and pruned is taken over all the same',
    ['test/core/replication/load.test.ts']
  ],
  [
    'key-waits-deaf',
    'core/scheduling/submission.ts',
    '    for (const taskId of this.#firstUse.known()) this.answered({ taskId, isForgotten: false })\n',
    '',
    'a submission that waits for what others say of its key makes a second task of it, though the first has come',
    ['test/core/gc/key-tombstones.test.ts']
  ],
  [
    'key-places-deaf',
    'core/scheduling/submission.ts',
    '    for (const input of placing) this.#acceptKnown(input, entry)\n',
    '    for (const input of placing) this.#notePlacing(input)\n',
    'a submission that waits for a copy of its payload makes a second task of its key, though the first has come',
    ['test/core/scheduling/submission.test.ts']
  ],
  [
    'named-not-awaited',
    'core/claim/reclaim.ts',
    '    if (this.#strangers.awaited().length > 0) return []\n',
    '',
    'a claim is confirmed although others have met somebody who is not known here'
  ],
  [
    'former-not-asked',
    'core/claim/claim-barrier.ts',
    'const origins = new Set([boot, ...this.#former, ...gone.map(([origin]) => origin)])',
    'const origins = new Set([boot, ...gone.slice(0, 0).map(([origin]) => origin)])',
    'a claim is confirmed although some know more of its former holder, or of others who are gone'
  ],
  [
    'gone-when-confirmed',
    'core/claim/claim-barrier.ts',
    'confirmations.push({ upTo, has })',
    'confirmations.push({ upTo, has: this.#neededOf(has, boot, living) })',
    'a member that goes before it has confirmed is not missed: the others had said that it would speak for itself',
    ['test/core/claim/claim-barrier.property.test.ts']
  ],
  [
    'confirmed-before-disk',
    'core/claim/claim-barrier.ts',
    'const upTo = Math.min(self.upTo, ...confirmed)',
    'const upTo = Math.min(Number.MAX_SAFE_INTEGER, ...confirmed)',
    'a claim is confirmed that is not on the disk of its own node'
  ],
  [
    'no-step-in',
    'core/claim/reclaim-order.ts',
    'return now - this.noticedAt(now, boot) >= rank * this.#stepInMs',
    'return now - this.noticedAt(now, boot) >= rank * this.#stepInMs && rank === 0',
    'nobody takes the place of the first in line who does nothing'
  ],
  [
    'cancel-only-at-holder',
    'core/scheduling/scheduler.ts',
    '    if (entry.record.cancelRequest !== null) return\n    log.write(entry, {',
    '    if (entry.record.cancelRequest !== null || !holds(self, entry.record)) return\n    log.write(entry, {',
    'a cancel is heard only where the task is held'
  ],
  [
    'cancel-lost-on-claim',
    'core/task/record.ts',
    '  const cancelRequest = upperOrNull(x.cancelRequest, y.cancelRequest, compareCancelRequests)',
    '  const cancelRequest = claim !== x.claim ? y.cancelRequest : upperOrNull(x.cancelRequest, y.cancelRequest, compareCancelRequests)',
    'a higher claim wipes out the wish to cancel'
  ],
  [
    'hand-on-unconfirmed',
    'core/steal/work-stealing.ts',
    '.filter(entry => !this.#scheduler.isUnconfirmed(entry))',
    '.filter(entry => !this.#scheduler.isUnconfirmed(entry) || true)',
    'a leaving node hands on a claim that is not known to be its own yet'
  ],
  [
    'retry-after-counts',
    'core/claim/rules.ts',
    'laterOf(claim, claim.attempt, now + run.retryAfterMs',
    'laterOf(claim, claim.attempt + 1, now + run.retryAfterMs',
    'to be called again later costs one of the retries'
  ],
  [
    'dots-not-joined',
    'core/task/record.ts',
    'leastDots([...x, ...added])',
    'leastDots([...x])',
    'a task that was submitted twice under a key forgets one of its creations'
  ],
  [
    'deadline-after-backoff',
    'core/task/times.ts',
    'return Math.max(spec.notBefore ?? 0, claim.notBefore ?? 0)',
    'return spec.notBefore ?? claim.notBefore ?? 0',
    'a task with a start time of its own has no backoff'
  ],
  [
    'begun-forgets-failure',
    'core/claim/rules.ts',
    '(isStarted(record) && !isUncalled)',
    'isStarted(record)',
    'a failure that comes between the start of a task and the call of its handler is tried again'
  ]
]
