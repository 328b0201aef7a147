/**
 * The bound on everything that a peer may send. Beyond it a message is refused, whichever peer sent it. What a task may
 * be is bounded in options.ts, for callers and peers alike. The bounds of single values are put together to whole
 * records and messages in task/shapes.ts and message-shapes.ts, for those who make them and those who read them.
 */
import { GRANT_TASKS_MAX, HEARTBEAT_LIMITS, NODE_LIMITS } from './options.ts'

/** A gossip message. Heavier news go by stream. */
export const GOSSIP_BYTES_MAX: number = 65_536

/** A frame on a direct stream or a sync stream: a grant of many tasks with large dependencies. */
export const FRAME_BYTES_MAX: number = 4 * 1024 * 1024

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
  labelsMax: 64,
  /** 128 characters. */
  labelBytesMax: 512,
  addressesMax: NODE_LIMITS.addressesMax as number,
  addressBytesMax: NODE_LIMITS.addressBytesMax as number,
  versionBytesMax: 64,
  slotsMax: 65_536,
  wantMax: GRANT_TASKS_MAX as number
} as const
