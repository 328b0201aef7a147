/**
 * The protocol's numbers. Each default is written here and nowhere else, with where it comes from.
 */

/** Bounds on what one task may be. Peers are held to the same bounds as callers. */
export const TASK_LIMITS = {
  /**
   * Bytes of UTF-8, payload and result each: larger ones are blobs, for they do not belong into every node's memory.
   */
  inlineBytesMax: 8192,
  /** 256 MiB: V8 cannot make a text of more than twice that. */
  blobBytesMax: 268_435_456,
  typeLengthMax: 128,
  /** So that any record fits into one gossip message: 1000 ids, payload, result and tail stay below 64 KiB. */
  dependenciesMax: 1000,
  tagsMax: 16,
  tagLengthMax: 64,
  errorNameLengthMax: 128,
  errorMessageBytesMax: 1024,
  errorStackBytesMax: 2048,
  tailBytesMax: 16_384,
  priorityMin: 1,
  priorityMax: 10,
  /** 24.8 days: what a 32-bit timer can wait for. */
  timeoutMsMax: 2_147_483_647,
  /** Ten years. */
  retentionMsMax: 315_360_000_000,
  deadlineMsMax: 315_360_000_000,
  /** Guess: a task that fails more often will always fail. */
  maxRetriesMax: 1000,
  /** As many lost holders as a claim remembers. */
  maxLostMax: 15,
  /** A day. */
  backoffMsMax: 86_400_000,
  backoffFactorMax: 100,
  idempotencyKeyLengthMax: 128,
  /**
   * Of UTF-8. A node that does not know a field of a spec keeps 160 bytes of such fields and refuses more: this one takes
   * at most 99 of them, and leaves room for a `traceparent`.
   */
  refBytesMax: 96,
  /** Of `require` and `prefer` each. */
  labelConditionsMax: 8,
  labelValuesMax: 16,
  /** Of all labels and texts in `require` and `prefer` together, in UTF-8. */
  labelBytesMax: 1024
} as const

/** Bounds on what a node says of itself, once a second, in a message of at most 64 KiB: it leaves a fifth of that. */
export const NODE_LIMITS = {
  handlersMax: 256,
  /** Of UTF-8, all names of task types together: half of that message. */
  handlersBytesMax: 32_768,
  /** Of UTF-8, all names and values of labels together: an eighth of it. */
  labelsBytesMax: 8192,
  /** An eighth of it, if all have the longest name. What is left is for what a node says of others. */
  addressesMax: 32,
  addressBytesMax: 256,
  /** Beside the default one. Guess: far more processes than work for one node. */
  poolsMax: 64,
  poolNameLengthMax: 32,
  /** Of all pools beside the default one together, as often as each names it. Their bytes count as those of handlers. */
  poolTypesMax: 512
} as const

/** Bounds of what one heartbeat says of others; what exceeds them goes with the next one. */
export const HEARTBEAT_LIMITS = {
  /** Boots met lately, or all that can be talked to: five times the design's fifty. */
  metMax: 256,
  /** Expected instances, and members that have left. */
  rosterMax: 256,
  departuresMax: 256,
  /** Every boot that ever wrote and is still remembered: 1.5 MiB, so that a frame has room for as much again. */
  vectorEntriesMax: 16_384
} as const

/**
 * Types of tasks that a node counts apart. Their names are up to users, so there may be any number: those beyond are
 * counted together.
 */
export const COUNTED_TYPES_MAX = 64
/** So that the message stays below 64 KiB, whatever the names and counts. */
export const COUNTS_TYPES_PER_MESSAGE_MAX = 32
/**
 * Boots of which a node remembers what they counted: some weeks of restarts of a small cluster; 4 MB at the very most.
 */
export const COUNTS_BOOTS_MAX = 64

/** Tasks that a thief asks for at once, and that one grant carries. */
export const GRANT_TASKS_MAX = 4096

/** Tasks that one message asks for, or answers for. */
export const FIND_IDS_MAX = 256

/** Blobs that one message names. */
export const BLOBS_PER_MESSAGE_MAX = 256

/**
 * Lateness of a member beyond which slow is as good as gone: no more is made up for. Four times the silence of one on
 * time.
 */
export const LAG_MS_MAX = 30_000

/** What a task is like unless its submitter says otherwise. Nodes do not send what is as it is here. */
export const TASK_DEFAULTS = {
  priority: 5,
  dependsOn: [],
  onDependencyFailure: 'cancel',
  maxRetries: 3,
  maxLost: 3,
  backoff: { delayMs: 1000, factor: 2, maxDelayMs: 300_000, jitter: 0.2 },
  timeoutMs: null,
  deadlineMs: null,
  notBefore: null,
  labels: { require: [], prefer: [] },
  idempotencyKey: null,
  delivery: 'at-least-once',
  retryOf: null,
  tags: [],
  ref: null,
  traceparent: null,
  retentionMs: null
} as const

/** More than half of the members, a fixed number of them, or nobody but oneself. */
export type Quorum = 'majority' | 'any' | number

/** Settled tasks that are kept, unless a member says less. Nodes that did not say kept as many. */
export const SETTLED_MAX = 10_000
/** What nobody says: far beyond what a node has memory for. */
export const SETTLED_MAX_MAX = 4_294_967_295

export type CoreOptions = Readonly<{
  /** How often the core looks at the clock. Finer than any deadline of the protocol needs. */
  tickMs: number
  /**
   * Interval of ticks while there is nothing to do but to listen. Most of what an idle node did was to look at the
   * clock.
   */
  restTickMs: number
  /** How often a node says how it is while that changes. Guess: short beside the time to notice a silent member. */
  heartbeatMs: number
  /**
   * Interval of heartbeats while nothing changes but the time. A link that is closed is noticed without any heartbeat.
   */
  idleHeartbeatMs: number
  /** Silence after which a member is shown as suspect. Two heartbeats of an idle node: one lost message is no news. */
  suspectMs: number
  /**
   * Silence after which a member counts as unreachable. Three heartbeats of an idle node; the link is closed later, see
   * net/gossip.ts.
   */
  unreachableMs: number
  /** Who has to be seen before the work of unreachable members is taken: more than half, a fixed number, or nobody. */
  quorum: Quorum
  /** Time without that quorum after which a node ends what it runs, so that others may run it; null: it goes on. */
  stopAfterIsolatedMs: number | null
  /** Absence after which a member that is not expected counts no more, where a majority says so. */
  departMs: number
  /**
   * Longest interval between probes of a member that cannot be reached; at first they come more often. A refused
   * connection costs next to nothing.
   */
  probeMs: number
  /** The next in line takes over after this. Guess: ten times what the first needs when all is well. */
  stepInMs: number
  /** Uptime before which a node reclaims nothing. Six nodes link within a second of their start. */
  bootQuietMs: number
  /**
   * Time for which tasks that were loaded from a file are left to the boots that held them then. Guess: a node that
   * starts on a busy computer meets all others within half of it.
   */
  orphanQuietMs: number
  /** How long an acknowledgement by others is waited for. */
  acksTimeoutMs: number
  /**
   * Time for which a start that others have to know of first keeps its slot. Guess: a hundred times what it takes on an
   * idle LAN, and hardly a loss for what waits behind it.
   */
  startSlotMs: number
  /** A steal request without an answer is given up after this. Guess: 100 times a round trip on a busy LAN. */
  stealTimeoutMs: number
  /** Pause before a holder that had nothing for us is asked again, unless it announces more. */
  stealPauseMs: number
  /**
   * Work that a thief takes beyond its free slots, in time of a slot, as a multiple of what the answer of a holder takes
   * as a rule. With less, time is lost to waiting; with more, a long task has short ones behind it more often. Measured in
   * virtual time (test/support/virtual.ts, 600 tasks of 5, 50 and 500 ms on six nodes, twelve seeds): 3, 4 and 5 give
   * 1.05 of the floor with 5 ms to a disk, 1.13, 1.07 and 1.09 with 12 ms, 1.18, 1.12 and 1.13 with 25 ms.
   */
  stealAheadTrips: number
  /** Least work that a thief takes beyond its free slots, in time of a slot. */
  stealAheadMsMin: number
  /** Most work that a thief takes beyond its free slots, in time of a slot. */
  stealAheadMsMax: number
  /** Most tasks in one grant. */
  stealMax: number
  /**
   * Number of grants after which a task stays where it is, if it can run there. Measured as above: 8 gain nothing more,
   * 2 and 3 lose.
   */
  hopsMax: number
  /**
   * How long a heartbeat may show more log than we have before we fetch it: gossip is usually just late. Twice as long
   * as any version may gather its news, so that late ones are not taken for lost ones: this one gathers for 50 ms, and
   * later ones, which may be members of the same cluster, for up to 250.
   */
  syncDelayMs: number
  /** Time after which a dependency that nobody has heard of, while a majority is seen, counts as failed. */
  unknownMs: number
  /** Time that all others have to answer when a task is asked for that is not known here. */
  findMs: number
  /** How long completed tasks are kept. */
  retainCompletedMs: number
  /** How long failed and cancelled tasks are kept: a user may want to know why. */
  retainFailedMs: number
  /**
   * No more settled tasks than this are kept, the newest ones; a setting of the cluster: the least that a member has
   * counts for all.
   */
  settledMax: number
  /**
   * Time after it settled for which every task is kept, even where there are too many. Guess: a caller that means to
   * depend on one has said so by then.
   */
  roomMs: number
  /** The same while there are far too many: the shorter time, before submissions are held back. */
  roomPressedMs: number
  /** What nobody waits for is flushed after this. Guess: ten disk writes a second are no load. */
  lazyFlushMs: number
  /** Time that a change of members has to last before it moves blobs. A restart takes less. */
  blobBalanceMs: number
  /** A blob that nobody could send is asked for again after this, and one that nobody has taken is offered again. */
  blobRetryMs: number
  /**
   * A blob that nobody has, with everybody there, is lost after this. Guess: some rounds of asking, so that no answer
   * that merely broke off is taken for a no.
   */
  blobLostMs: number
  /** Time after its last use for which a blob stays here that others keep: it may be read again. */
  blobSpareMs: number
  /**
   * Time after its last use for which a blob stays that no task here names: the task may be on its way, also one that
   * depends on a task which has been pruned here. With a tenth of this time, a task from behind a cut came too late.
   */
  blobOrphanMs: number
  /** What any network can carry, to bound how long a copy is waited for. A tenth of what Gigabit Ethernet does. */
  blobBytesPerMs: number
  /** Interval at which others are told what a node has counted, if it has changed. Guess: nobody looks more often. */
  countsMs: number
  /** Interval at which all of the counts are told anew, because gossip may be lost. */
  countsRepeatMs: number
  /** Time for which news that no node waits for are gathered, where none have been told in the last `gatherBusyMs`. */
  gatherMs: number
  /**
   * Time for which such news are gathered where some have just been told: the most that any version may, and half of
   * what others wait for late news (`syncDelayMs`). Most tasks have ended by then, so that their end is all that is
   * told.
   */
  gatherBusyMs: number
  /** Time for which news of work that others could do are gathered. Guess: a fifth of a short task's time. */
  gatherWorkMs: number
  /** No gossip message is larger. */
  gossipBytesMax: number
}>

export const CORE_DEFAULTS: CoreOptions = {
  tickMs: 200,
  restTickMs: 1000,
  heartbeatMs: 1000,
  idleHeartbeatMs: 2000,
  suspectMs: 5000,
  unreachableMs: 7000,
  quorum: 'majority',
  stopAfterIsolatedMs: null,
  departMs: 86_400_000,
  probeMs: 1000,
  stepInMs: 500,
  bootQuietMs: 1000,
  orphanQuietMs: 5000,
  acksTimeoutMs: 5000,
  startSlotMs: 1000,
  stealTimeoutMs: 1000,
  stealPauseMs: 200,
  stealAheadTrips: 4,
  stealAheadMsMin: 20,
  stealAheadMsMax: 200,
  stealMax: 256,
  hopsMax: 4,
  syncDelayMs: 500,
  unknownMs: 60_000,
  findMs: 1000,
  retainCompletedMs: 86_400_000,
  retainFailedMs: 604_800_000,
  settledMax: SETTLED_MAX,
  roomMs: 60_000,
  roomPressedMs: 5000,
  lazyFlushMs: 100,
  blobBalanceMs: 2000,
  blobRetryMs: 2000,
  blobLostMs: 10_000,
  blobSpareMs: 60_000,
  blobOrphanMs: 600_000,
  blobBytesPerMs: 12_500,
  countsMs: 2000,
  countsRepeatMs: 30_000,
  gatherMs: 50,
  gatherBusyMs: 250,
  gatherWorkMs: 10,
  gossipBytesMax: 65_536
}

/** A gossip message. Heavier news go by stream. */
export const GOSSIP_BYTES_MAX: number = 65_536

/** A frame on a direct stream or a sync stream: a grant of many tasks with large dependencies. */
export const FRAME_BYTES_MAX: number = 4 * 1024 * 1024

/**
 * The bound on everything that a peer may send. Beyond it a message is refused, whichever peer sent it. What a task may
 * be is bounded above, for callers and peers alike. The bounds of single values are put together to whole records and
 * messages in task/shapes.ts and message-shapes.ts, for those who make them and those who read them.
 */
export const LIMITS = {
  /** Peer id (53 characters at most, as text), slash, time and dice: 71. A record names dozens of boots. */
  bootBytesMax: 80,
  nodeNameBytesMax: 160,
  vectorEntriesMax: HEARTBEAT_LIMITS.vectorEntriesMax as number,
  rosterMax: HEARTBEAT_LIMITS.rosterMax as number,
  departuresMax: HEARTBEAT_LIMITS.departuresMax as number,
  metMax: HEARTBEAT_LIMITS.metMax as number,
  /** Boots that are asked about at once. */
  whoMax: 64,
  recordsMax: 8192,
  /** Ids of tasks, at most as many as a batch has records. */
  prunedMax: 8192,
  /** Spans of 30 bytes each, and as many names as there are boots in a vector. */
  spansMax: 16_384,
  writesMax: 65_536,
  handlersMax: NODE_LIMITS.handlersMax as number,
  poolsMax: NODE_LIMITS.poolsMax as number,
  /** 32 characters. */
  poolNameBytesMax: 128,
  poolTypesMax: NODE_LIMITS.poolTypesMax as number,
  labelsMax: 64,
  /** 128 characters. */
  labelBytesMax: 512,
  addressesMax: NODE_LIMITS.addressesMax as number,
  addressBytesMax: NODE_LIMITS.addressBytesMax as number,
  versionBytesMax: 64,
  slotsMax: 65_536,
  wantMax: GRANT_TASKS_MAX as number
} as const
