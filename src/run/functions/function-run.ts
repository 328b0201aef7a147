/**
 * Runs a handler that is a function of the program itself, on the node's own thread.
 *
 * It cannot be killed. So an aborted run is over for us at once, and one that has timed out after its grace time,
 * whatever the function still does: its result is ignored.
 */
import type { Attempt } from '../attempt.ts'
import { readValues, type RunFiles } from '../contents.ts'
import { createContext, type Reporter } from '../context.ts'
import type { Source } from '../registry.ts'
import { saverOf } from '../saving.ts'
import { validated } from '../validation.ts'
import { outcomeOfError, outcomeOfResult, outcomeOfUnreadable } from '../outcome.ts'
import { stopReason } from '../threads/protocol.ts'

type FunctionSource = Extract<Source, { kind: 'function' }>

/** Whether a handler has been called without waiting in this turn of the event loop. */
let isTurnTaken = false

/** Calls the handler when `start` has returned, so that nothing ends before that. */
export function runFunction(
  source: FunctionSource,
  attempt: Attempt,
  files: RunFiles,
  reporter: Reporter
): void {
  const controller = new AbortController()
  attempt.begin({
    ask: cause => {
      controller.abort(stopReason(cause))
      if (cause === 'aborted') attempt.ended(null, null)
    },
    force: () => attempt.ended(null, null)
  })
  soon(() => {
    if (!attempt.aborted) void perform(source, attempt, files, controller.signal, reporter)
  })
}

/**
 * As soon as the step under way is done: what peers have sent meanwhile is read after that, not before, and what the
 * step has to say goes out after the function's first pause. But only once in a turn of the event loop: handlers that
 * end at once would follow each other, and nothing else would come in between.
 *
 * @param call may not do anything before its first `await` that `start` must not see
 */
function soon(call: () => void): void {
  if (isTurnTaken) return void setImmediate(call)
  isTurnTaken = true
  setImmediate(() => (isTurnTaken = false))
  call()
}

async function perform(
  { handler, schema }: FunctionSource,
  attempt: Attempt,
  files: RunFiles,
  signal: AbortSignal,
  reporter: Reporter
): Promise<void> {
  const { run } = attempt
  const unlessAborted: Reporter = {
    room: () => true,
    progress: (fraction, message) => {
      if (!attempt.aborted) reporter.progress(fraction, message)
    },
    output: (stream, bytes) => {
      if (!attempt.aborted) reporter.output(stream, bytes)
    },
    save: (...saved) => reporter.save(...saved)
  }
  const values = await readValues(run, files).catch(outcomeOfUnreadable)
  if (attempt.aborted) return
  if ('status' in values) return attempt.ended(values, 0)
  const { payload, ...given } = values
  const saveCheckpoint = saverOf(files.result, (...saved) => reporter.save(...saved))
  const { context, finish } = createContext(
    run,
    { ...given, saveCheckpoint },
    signal,
    unlessAborted
  )
  attempt.markCalled()
  try {
    const value = await handler(await validated(run.type, schema, payload), context)
    finish()
    attempt.ended(await outcomeOfResult(value, files.result), null)
  } catch (error) {
    finish()
    attempt.ended(outcomeOfError(error), null)
  }
}
