/** In which pool a task runs, and what room there is in others. */
import type { Mistake } from './mistake.ts'

const HERE = ['test/core/scheduling/pools.test.ts']

export const POOLS: readonly Mistake[] = [
  [
    'pool-sum',
    'core/scheduling/seats.ts',
    'return this.used(name) < slots',
    'return this.used() < slots || this.used(name) < slots + 1',
    'more tasks than slots are started in a pool',
    HERE
  ],
  [
    'pool-without-type',
    'core/scheduling/seats.ts',
    'if (this.hasRoom(pool) && canRun(pool, demand)) return pool',
    'if (this.hasRoom(pool)) return pool',
    'a task is started in a pool without its type',
    HERE
  ],
  [
    'pool-last-first',
    'core/claim/pools.ts',
    'compareText(x.name, y.name)',
    'compareText(y.name, x.name)',
    'a type of several pools goes to the last of them',
    HERE
  ],
  [
    'pool-slot-kept',
    'core/scheduling/seats.ts',
    '    taken.delete(seat.slot)\n',
    '',
    'a slot is taken for ever',
    HERE
  ],
  [
    'pool-placed-by-sum',
    'core/claim/pool-room.ts',
    'this.#pools.find(({ pool, free }) => free > 0 && canRun(pool, demand))',
    'this.#pools.find(({ free }) => free > 0)',
    'a task is placed for the room in a pool that does not run it',
    HERE
  ],
  [
    'pool-steals-for-another',
    'core/steal/work-stealing.ts',
    'const { name, slots, types: handlers, labels } = pool',
    'const { name, slots } = pool\n    const { types: handlers, labels } = this.#scheduler.pools[0]!',
    'a question for one pool names the types of another',
    HERE
  ],
  [
    'pool-not-told',
    'core/scheduling/slots.ts',
    'pool === DEFAULT_POOL ? {} : { pool, slot }',
    '{}',
    'nobody is told in which pool a task runs, and all count it for the default one',
    HERE
  ],
  [
    'pool-gone-keeps-start',
    'core/scheduling/scheduler.ts',
    '    this.#restartHomeless()\n',
    '',
    'what has begun in a pool that is gone waits for ever',
    HERE
  ],
  [
    'pool-drops-runs',
    'core/scheduling/seats.ts',
    '    this.#pools = inOrder(pools)\n',
    '    this.#pools = inOrder(pools)\n    this.#seats.clear()\n    this.#taken.clear()\n',
    'what runs in a pool that goes has no slot any more',
    HERE
  ],
  [
    'pool-estate-by-sum',
    'core/claim/demand-heaps.ts',
    '      if (!isMet(group.demand)) continue\n',
    '',
    'of what is left behind the most urgent is taken, whether its pool has room or not',
    HERE
  ]
]
