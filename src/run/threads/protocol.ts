/**
 * What the node says to a worker thread. What the thread says is in from-thread.ts.
 */
import type { MessagePort } from 'node:worker_threads'
import type { Run } from '../../core/effect.ts'
import type { ReadCode } from '../code/handler-code.ts'
import type { RunFiles } from '../contents.ts'

/** Why a run is to stop. */
export type StopCause = 'aborted' | 'timeout'

export type SaveAnswer = boolean | Readonly<{ name: string; message: string }>

export type ToThread =
  /** Code that handlers are loaded from, beside what was given before. */
  | Readonly<{ kind: 'code'; code: ReadCode }>
  /** Which handlers does this file have? Answered by `listed` or `unlisted`. */
  | Readonly<{ kind: 'list'; file: string }>
  /** Would the handler of this type refuse this payload, JSON text? Answered by `checked`. */
  | Readonly<{ kind: 'check'; number: number; file: string; type: string; payload: string }>
  /** `number` is that of the run within the thread. One at a time. */
  | Readonly<{ kind: 'run'; number: number; file: string; run: Run; files: RunFiles }>
  | Readonly<{ kind: 'stop'; number: number; cause: StopCause }>
  /** What became of a save of the run: it stands, it is not taken, or something failed. */
  | Readonly<{ kind: 'saved'; number: number; save: number; answer: SaveAnswer }>

/** What a thread is given when it is made. */
export type ThreadData = {
  /** The thread's line to the node: its `parentPort` is the handlers' own. */
  port?: MessagePort
  /** Reports that the node has taken in so far, see credit.ts. */
  taken?: SharedArrayBuffer
  /** Memory that it has taken and that may be shared, see shared-memory.ts. */
  shared?: SharedArrayBuffer
}

/** The error that a handler finds as its signal's reason: of the kinds that the platform itself uses. */
export function stopReason(cause: StopCause): DOMException {
  return cause === 'timeout'
    ? new DOMException('the run took longer than its timeout', 'TimeoutError')
    : new DOMException('the run is no longer wanted here', 'AbortError')
}
