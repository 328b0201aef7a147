/** What is kept in several maps, sets and counters at once, and changed in all but one of them. */
import type { Mistake } from './mistake.ts'

const SIMULATED = ['test/sim/invariants.test.ts']

export const INVARIANTS: readonly Mistake[] = [
  [
    'boots-not-deleted',
    'core/base/boots.ts',
    '    if (boots?.delete(boot) === true && boots.size === 0) this.#byNode.delete(nodeOf(boot))\n',
    '    void boots\n',
    'a boot stays in a set of boots from which it was deleted',
    SIMULATED
  ],
  [
    'dots-not-counted',
    'core/base/dots.ts',
    'this.#size += list.length - this.of(origin).length',
    'this.#size += list.length',
    'stretches that are replaced are counted twice',
    SIMULATED
  ],
  [
    'spans-not-counted',
    'core/log/spans.ts',
    '      this.#size -= to - from\n',
    '',
    'stretches that have become one are counted as several',
    SIMULATED
  ],
  [
    'cloud-keeps-boots',
    'core/log/dot-cloud.ts',
    '    this.#boots.delete(origin)\n',
    '',
    'a boot of which nothing is known to be over any more is kept',
    SIMULATED
  ],
  [
    'places-not-counted',
    'core/log/origin-log.ts',
    '    block.tasks--\n',
    '',
    'a log counts tasks that have been pruned, and its boot is never retired',
    SIMULATED
  ],
  [
    'retired-still-open',
    'core/log/origins.ts',
    '      this.#open.delete(origin)\n',
    '',
    'a boot is retired, and counts as open',
    SIMULATED
  ],
  [
    'read-still-unreadable',
    'core/log/unreadable.ts',
    '    this.dots.remove(stretch)\n    for (const dots of [this.#withTask, ...this.#by.values()]) dots.remove(stretch)\n',
    '    this.dots.remove(stretch)\n',
    'what has been read is still unreadable to a version',
    SIMULATED
  ],
  [
    'pruned-still-written',
    'core/log/flushes.ts',
    '    this.#dirty.delete(entry)\n',
    '',
    'a task goes to disk that has been pruned',
    ['test/core/log/log.test.ts']
  ],
  [
    'moved-not-written',
    'core/log/log.ts',
    '    entry.noteWrite({ origin, seq: log.upTo })\n    this.#flushes.changed(entry)\n    this.#flushes.moved(origin)\n',
    '    entry.noteWrite({ origin, seq: log.upTo })\n    this.#flushes.changed(entry)\n',
    'a write goes to disk, and the vector does not',
    SIMULATED
  ],
  [
    'pruned-keeps-its-places',
    'core/log/log.ts',
    '    for (const { origin, seq } of entry.takeWrites()) this.origins.get(origin)?.clear(seq)\n',
    '    entry.takeWrites()\n',
    'a task that has been pruned stands in the logs of boots',
    SIMULATED
  ],
  [
    'untracked-still-open',
    'core/queue/dependencies.ts',
    '    this.#open.delete(task)\n',
    '',
    'dependencies of a task are counted that nobody knows any more',
    SIMULATED
  ],
  [
    'settled-still-needed',
    'core/queue/dependencies.ts',
    '        this.#carried.forget(id)\n',
    '',
    'what came along with a task is kept for ever'
  ],
  [
    'unready-still-placed',
    'core/queue/ready-queue.ts',
    '      this.#preferring.delete(place)\n',
    '',
    'a task that is not ready any more is to be placed',
    SIMULATED
  ],
  [
    'over-still-timed',
    'core/queue/timers.ts',
    '    if (this.#times.delete(entry)) this.#tidy()\n',
    '    this.#tidy()\n    void entry\n',
    'a task that is over, or pruned, is looked at when its time has come',
    SIMULATED
  ],
  [
    'pruned-still-due',
    'core/gc/retention.ts',
    '    this.#due.delete(entry)\n    if (this.#kept.delete(entry)) this.#tidy()\n',
    '    if (this.#kept.delete(entry)) this.#tidy()\n',
    'a task that has been pruned is due to be pruned',
    SIMULATED
  ],
  [
    'tombstone-let-go-on-disk-alone',
    'core/gc/key-tombstones.ts',
    '    this.#ends.delete(id)\n    this.#changed.set(id, 0)\n',
    '    this.#changed.set(id, 0)\n',
    'a key tombstone is gone from the disk, and not from memory',
    ['test/core/gc/key-tombstones.test.ts']
  ],
  [
    'given-away-still-urgent',
    'core/claim/holdings.ts',
    '    dropUrgent(held, entry)\n    if (to',
    '    if (to',
    'a task is urgent among those of a boot that does not hold it',
    SIMULATED
  ],
  [
    'line-up-loses-others',
    'core/claim/estate.ts',
    '    for (const { entry } of this.#others) all.push(entry)\n',
    '',
    'what a gone boot left to others is taken by nobody once others stand in line'
  ],
  [
    'start-still-known',
    'core/claim/start-barrier.ts',
    '    this.#known.delete(begun)\n',
    '',
    'a start that has been called, or given up, is called once more',
    SIMULATED
  ],
  [
    'pins-not-counted',
    'core/blobs/pins.ts',
    '    for (const { hash } of refs) this.#count(hash, -1)\n    return refs\n',
    '    return refs\n',
    'a blob is kept for a task that does not read it any more',
    SIMULATED
  ],
  [
    'blob-named-by-nobody',
    'core/blobs/references.ts',
    '    if (tasks?.size === 0) this.#byHash.delete(hash)\n',
    '',
    'a blob that no task names is needed for ever',
    SIMULATED
  ],
  [
    'share-never-given-back',
    'core/blobs/provisional.ts',
    '    if (share.blobs === 0) this.#shares.delete(open.by)\n',
    '',
    'of each member that ever offered a blob something is kept for ever',
    SIMULATED
  ],
  [
    'forgotten-blob-provisional',
    'core/blobs/blob-replication.ts',
    '    this.#blobs.delete(hash)\n    this.#provisionalBlobs.close(hash)\n',
    '    this.#blobs.delete(hash)\n',
    'a blob that is gone takes up room among those that came on a word',
    SIMULATED
  ],
  [
    'ended-still-read',
    'core/scheduling/slots.ts',
    '    this.#blobReplication.unneed(id)\n    return this.#seats.end(id)\n',
    '    return this.#seats.end(id)\n',
    'blobs stay for a task whose run has ended',
    SIMULATED
  ],
  [
    'pruned-still-ready',
    'core/scheduling/scheduler.ts',
    '      this.queue.update(entry, false)\n      this.#reclaims.forget(entry)\n',
    '      this.#reclaims.forget(entry)\n',
    'a task that has been pruned can be started',
    SIMULATED
  ],
  [
    'keys-asked-again',
    'core/scheduling/first-use.ts',
    '    this.#unasked.clear()\n',
    '',
    'a key is asked for although no submission waits for it',
    SIMULATED
  ],
  [
    'waits-not-counted',
    'core/replication/ack-wait.ts',
    '        if (waiting.prompt) this.#prompt--\n',
    '',
    'callers count as waiting that have been answered',
    SIMULATED
  ],
  [
    'reported-still-heard',
    'core/replication/reporting.ts',
    '    this.#heard.delete(id)\n',
    '',
    'an outcome that has been reported is kept in mind for ever',
    SIMULATED
  ],
  [
    'told-too-much',
    'core/replication/dissemination.ts',
    'this.#told += batch.writes.length',
    'this.#told += batch.writes.length + 1',
    'a write counts as told that nobody was told of',
    SIMULATED
  ],
  [
    'copies-never-over',
    'core/replication/group-commit.ts',
    '      if (copies.isEmpty) this.#copies.delete(origin)\n',
    '',
    'of each boot whose copies were waited for something is kept for ever',
    SIMULATED
  ],
  [
    'members-as-they-come',
    'core/membership/member-list.ts',
    'this.#sorted.splice(this.#placeOf(member.node), 0, member)',
    'this.#sorted.push(member)',
    'members are not in the order of their ids, and are not found in it',
    SIMULATED
  ],
  [
    'links-not-sorted-anew',
    'core/membership/links.ts',
    '    this.#inOrder = null\n',
    '',
    'a link that came up after the first look is not there',
    SIMULATED
  ],
  [
    'names-as-they-come',
    'core/membership/roster.ts',
    'this.#names.splice(placeOf(this.#names, entry.name), 0, entry.name)',
    'this.#names.push(entry.name)',
    'instances are not in the order of their names',
    ['test/core/membership/member-bounds.test.ts']
  ],
  [
    'reported-once-more',
    'core/replication/reporting.ts',
    '    if (entry.reported || !isSettled(entry.record)) return\n    this.#note(entry, null)\n',
    '    if (!isSettled(entry.record)) return\n    this.#note(entry, null)\n',
    'an outcome that comes once more after it was reported is kept in mind for ever',
    ['test/core/replication/reporting.test.ts']
  ],
  [
    'closed-outbox-still-full',
    'net/streams/outbox.ts',
    '    this.#queuedBytes = 0\n',
    '',
    'what has been dropped, or has left, counts as left unread',
    ['test/net/inbox.test.ts']
  ],
  [
    'gone-thread-still-free',
    'run/threads/pool.ts',
    '    this.#idle.delete(thread)\n    this.#threads.delete(thread)\n',
    '    this.#threads.delete(thread)\n',
    'a thread that has exited is given the next job',
    ['test/run/threads/pool.test.ts']
  ],
  [
    'answers-never-over',
    'net/streams/request-response.ts',
    '      release()\n      answered()\n',
    '      release()\n',
    'a peer that broke off its question is not answered any more',
    ['test/net/streams/request-response.test.ts']
  ]
]
