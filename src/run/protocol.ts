/**
 * What the node and a worker thread say to each other. Both ends are this program, of one version; a handler that
 * posts messages of its own is not listened to.
 */
import type { Run } from '../core/effect.ts'
import type { RunResult } from '../core/input.ts'
import type { OutputStream } from '../core/output.ts'
import type { RunFiles } from './contents.ts'

/** Why a run is to stop. */
export type StopCause = 'aborted' | 'timeout'

export type ToThread =
  /** Which handlers does this file have? Answered by `listed` or `unlisted`. */
  | Readonly<{ kind: 'list'; file: string }>
  /** Would the handler of this type refuse this payload, JSON text? Answered by `checked`. */
  | Readonly<{ kind: 'check'; number: number; file: string; type: string; payload: string }>
  /** `number` is that of the run within the thread. One at a time. */
  | Readonly<{ kind: 'run'; number: number; file: string; run: Run; files: RunFiles }>
  | Readonly<{ kind: 'stop'; number: number; cause: StopCause }>

export type FromThread =
  | Readonly<{
      kind: 'listed'
      types: readonly string[]
      hasDefault: boolean
      /** Those of `types` that come with a schema; the default export among them as `default`. */
      withSchema: readonly string[]
    }>
  /** `refusal` is null if there is nothing against the payload. */
  | Readonly<{ kind: 'checked'; number: number; refusal: string | null }>
  | Readonly<{ kind: 'unlisted'; why: string }>
  /** The module is loaded, the handler is about to be called. */
  | Readonly<{ kind: 'called'; number: number }>
  | Readonly<{ kind: 'progress'; number: number; fraction: number; message: string | null }>
  | Readonly<{ kind: 'output'; number: number; stream: OutputStream; text: string }>
  | Readonly<{ kind: 'ended'; number: number; result: RunResult; durationMs: number }>
  /** The run broke its thread, which ends now. */
  | Readonly<{ kind: 'crashed'; number: number; result: RunResult }>
  /** Something that an earlier run left behind failed: give this thread no further run. */
  | Readonly<{ kind: 'tainted'; why: string }>

/** The error that a handler finds as its signal's reason: of the kinds that the platform itself uses. */
export function stopReason(cause: StopCause): DOMException {
  return cause === 'timeout'
    ? new DOMException('the run took longer than its timeout', 'TimeoutError')
    : new DOMException('the run is no longer wanted here', 'AbortError')
}
