/** What is on a disk whose vector was given up (core/replication/loose-writes.ts). */
import type { Mistake } from './mistake.ts'

const LOOSE = 'core/replication/loose-writes.ts'
const HERE = ['test/core/replication/loose-writes.test.ts']
const BOOTS = ['test/core/gc/boot-compaction.test.ts']

export const LOOSE_WRITES: readonly Mistake[] = [
  [
    'loose-not-noticed',
    'core/log/origins.ts',
    'if (!covers(upToOf, dot)) entry.loose',
    'if (covers(upToOf, dot)) entry.loose',
    'what no vector covers any more is taken for covered',
    HERE
  ],
  [
    'loose-pruned',
    'core/gc/pruning.ts',
    'if (loose.length > 0 || !reported',
    'if (!reported',
    'how a task ended is forgotten where a damaged disk alone knows of it',
    HERE
  ],
  [
    'loose-written-early',
    LOOSE,
    'members.mayLive(now).length === 0 || !isCaughtUp(this.#context)',
    'members.mayLive(now).length === 0',
    'what the others have pruned is told to them as something new',
    HERE
  ],
  [
    'loose-written-alone',
    LOOSE,
    'members.mayLive(now).length === 0 || !isCaughtUp(this.#context)',
    '!isCaughtUp(this.#context)',
    'a node that is alone writes anew what it may have told to others',
    HERE
  ],
  [
    'loose-not-written',
    LOOSE,
    'if (!isKnown && !entry.removed)',
    'if (isKnown && !entry.removed)',
    'what a damaged disk alone has never reaches the others',
    HERE
  ],
  [
    'loose-unspoken',
    LOOSE,
    'member.spoken && log.hasAll(member)',
    'log.hasAll(member)',
    'a member that has not spoken to this boot counts as one that has no more to tell',
    HERE
  ],
  [
    'loose-not-told',
    'core/liveness/heartbeat.ts',
    '      ...(this.#context.isLoose ? { loose: true } : {}),\n',
    '',
    'nobody hears that a disk has more than its vector',
    BOOTS
  ],
  [
    'loose-of-others-retired',
    'core/gc/boot-compaction.ts',
    'if (isLoose || everybody.some(({ heartbeat }) => heartbeat.loose === true)) return',
    'if (isLoose) return',
    'a boot is retired of which a damaged disk of another has more than its vector',
    BOOTS
  ],
  [
    'loose-not-stored',
    'core/log/entry.ts',
    '    if (loose.length === 0) return writes\n',
    '    if (loose.length >= 0) return writes\n',
    'what only a damaged disk knows of a task is lost when the task is stored anew before it is told',
    HERE
  ],
  [
    'loose-ends-early',
    LOOSE,
    'else if (this.#isTold()) this',
    'else this',
    'a boot is retired before what its node has written anew is on a disk',
    BOOTS
  ],
  [
    'loose-of-its-own-retired',
    'core/gc/boot-compaction.ts',
    'if (isLoose || everybody.some(',
    'if (everybody.some(',
    'a node retires a boot of its own of which its damaged disk has more than its vector',
    BOOTS
  ],
  [
    'loose-of-ended-boots-retired',
    'core/gc/boot-compaction.ts',
    '!tellsOfEarlier(member, newest, log)',
    '!tellsOfEarlier(member, boot, log)',
    'a boot is retired while what a later one, which has ended, wrote anew of it is on its way',
    BOOTS
  ],
  [
    'loose-beside-strangers',
    LOOSE,
    'if (isNew || members.hasStrangers()) return false',
    'if (isNew) return false',
    'what somebody who is linked and has not been heard yet has pruned is told as something new',
    HERE
  ]
]
