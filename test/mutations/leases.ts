/** Leases of workers outside the process of a node. */
import type { Mistake } from './mistake.ts'

const BOOK = 'run/external/lease-book.ts'
const TESTS = ['test/run/external/lease-book.test.ts']

export const LEASES: readonly Mistake[] = [
  [
    'late-end-taken',
    BOOK,
    "return withdrawn === null || (kind === 'release' && !isLost)",
    'return withdrawn === null || !isLost || kind.length > 0',
    'what a worker says of a lease that it has lost is taken',
    TESTS
  ],
  [
    'end-not-remembered',
    BOOK,
    "    if (answer === 'taken') this.#remember(id, end)\n",
    '',
    'an end that is told twice is answered as one of a lost lease',
    TESTS
  ],
  [
    'other-end-is-the-same',
    BOOK,
    'return before.kind === end.kind && before.key === end.key',
    'return before.kind === end.kind',
    'another result than the one that was taken is said to have been taken',
    TESTS
  ],
  [
    'timeout-keeps-lease',
    BOOK,
    "        this.#withdraw(now, open, 'Timeout')\n",
    '        open.timeoutAt = Infinity\n',
    'a run that timed out ends once more when its worker says so',
    TESTS
  ],
  [
    'lost-twice',
    BOOK,
    '      if (withdrawn === null) this.#hooks.ended(lease, how, now - lease.since)\n',
    '      this.#hooks.ended(lease, how, now - lease.since)\n',
    'a run that was settled is lost once more with its worker',
    TESTS
  ],
  [
    'renewed-too-late',
    BOOK,
    "    if (open.isLost) return 'lost'\n",
    '',
    'a lease whose time was over is told to go on',
    TESTS
  ],
  [
    'returned-counts-as-lost',
    'core/claim/rules.ts',
    'const lost = isLost ? [...claim.lost, self]',
    'const lost = isLost || claim.epoch >= 0 ? [...claim.lost, self]',
    'what a worker gives back counts as lost',
    ['test/core/claim/returned.test.ts']
  ],
  [
    'lost-worker-uncounted',
    'core/claim/rules.ts',
    '.slice(-LOST_MAX) : claim.lost\n',
    '.slice(-LOST_MAX, -1) : claim.lost\n',
    'a task that takes every worker with it is tried for ever',
    ['test/core/claim/returned.test.ts']
  ],
  [
    'returned-is-next-attempt',
    'core/claim/rules.ts',
    "  return { claim: { ...sameHolder(claim), lost, cause: 'retry' } }\n",
    "  return { claim: { ...sameHolder(claim), attempt: claim.attempt + 1, lost, cause: 'retry' } }\n",
    'what a worker gives back uses a retry',
    ['test/core/claim/returned.test.ts']
  ]
]
