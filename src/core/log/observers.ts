/** Observers of the log, told what happens in it as it happens: the counters, and all that keep track of the tasks. */
import type { TaskRecord } from '../task/record.ts'
import type { TaskSpec } from '../task/spec.ts'
import type { Entry } from './entry.ts'
import type { Patch } from '../task/patch.ts'

/** Counts what happens in the log. */
export interface LogCounters {
  /** This boot has written a change of a task. */
  wrote(record: TaskRecord, patch: Patch): void
  /** Claims of two holders for one epoch of a task have met. */
  conflicted(): void
  /** A task that had completed here was started by a node that had not heard of it. */
  repeated(): void
  /** A write of another boot could not be read. */
  unread(count: number): void
}

export const NOT_COUNTED: LogCounters = {
  wrote: () => {},
  conflicted: () => {},
  repeated: () => {},
  unread: () => {}
}

/** Follows what comes into the replica. */
export type LogObserver = Readonly<{
  /** A task has come, from wherever. */
  track(entry: Entry): void
  /** Another submission under the same key turns out to be the one that stands. */
  retrack(entry: Entry, before: TaskSpec): void
}>

export const NO_OBSERVER: LogObserver = { track: () => {}, retrack: () => {} }
