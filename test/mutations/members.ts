/** Who is there, what time it is, and what the network believes. */
import type { Mistake } from './mistake.ts'

export const MEMBERS: readonly Mistake[] = [
  [
    'timeout-is-refusal',
    'core/core.ts',
    '    if (refused) this.#onMembers(',
    '    if (refused || !refused) this.#onMembers(',
    'a probe that has proven nothing is taken for a proof'
  ],
  [
    'half-is-majority',
    'core/membership/quorum.ts',
    'if (seen * 2 !== all.length) return',
    'if (seen * 2 >= all.length) return true\n  if (seen * 2 !== all.length) return',
    'both halves of a cut are a majority'
  ],
  [
    'quorum-number-off',
    'core/membership/quorum.ts',
    'filter(({ seen }) => seen).length >= quorum',
    'filter(({ seen }) => seen).length + 1 >= quorum',
    'one member less than the number that was set is a quorum'
  ],
  [
    'goodbye-unanswered',
    'core/lifecycle/shutdown.ts',
    "    if (this.#state !== 'saying goodbye' || !this.#isHeard() || !this.#isSafe) return\n",
    "    if (this.#state !== 'saying goodbye' || !this.#isSafe) return\n",
    'a node is gone before anybody has heard its goodbye'
  ],
  [
    'quiet-boot-reclaims',
    'core/core.ts',
    'if (draining || isNew || ',
    'if (draining || (isNew && !isNew) || ',
    'a node that has just started takes tasks over before it has met the others'
  ],
  [
    'forgets-what-it-heard',
    'core/membership/member.ts',
    'Math.min(at, ownTime)) : ownTime',
    'Math.min(at, ownTime)) : at',
    'a member is forgotten up to what whoever forgets it has heard since its start, which may be nothing'
  ],
  [
    'forgets-what-it-was-told',
    'core/membership/member.ts',
    '? Math.max(itsTime, ',
    '? Math.max(member.saidAt, ',
    'a member is forgotten up to its last word to whoever forgets it, and whoever heard a later one waits for it'
  ],
  [
    'late-word-mends-link',
    'core/membership/hearing.ts',
    'if (ground.isLinked(known.node)) known.broken = false',
    'known.broken = false',
    'the next boot of a node whose last words came late is taken for a copy of it'
  ],
  [
    'waited-words-move-clocks',
    'core/membership/membership.ts',
    '? this.#absence.ms : 0',
    '? 0 : 0',
    'a node that stood still takes the clocks of all others to be behind by as long as their words have waited'
  ],
  [
    'halfway-between-clocks',
    'core/membership/clock-offset.ts',
    'upper - lower > SKEW_MS_MAX ? steadyMs',
    'upper - lower > CLOCK_MS_MAX ? steadyMs',
    'where half of the clocks show one time, and half another, it is halfway between for a node'
  ]
]
