/**
 * Runs a handler that is a function of the program itself, on the node's own thread.
 *
 * It cannot be killed. So an aborted run is over for us at once, and one that has timed out after its grace time,
 * whatever the function still does: its result is ignored.
 */
import type { Attempt } from './attempt.ts'
import { createContext, type Reporter } from './context.ts'
import type { Handler } from './handler.ts'
import { outcomeOfError, outcomeOfResult } from './outcome.ts'
import { stopReason } from './protocol.ts'

/** Calls the handler in a later turn of the event loop, so that nothing ends before `start` has returned. */
export function runFunction(handler: Handler, attempt: Attempt, reporter: Reporter): void {
  const controller = new AbortController()
  attempt.begin({
    ask: cause => {
      controller.abort(stopReason(cause))
      if (cause === 'aborted') attempt.ended(null, null)
    },
    force: () => attempt.ended(null, null)
  })
  setImmediate(() => {
    if (!attempt.aborted) void perform(handler, attempt, controller.signal, reporter)
  })
}

async function perform(
  handler: Handler,
  attempt: Attempt,
  signal: AbortSignal,
  reporter: Reporter
): Promise<void> {
  const { run } = attempt
  const unlessAborted: Reporter = {
    progress: (fraction, message) => {
      if (!attempt.aborted) reporter.progress(fraction, message)
    },
    log: line => {
      if (!attempt.aborted) reporter.log(line)
    }
  }
  const { context, finish } = createContext(run, signal, unlessAborted)
  attempt.markCalled()
  try {
    const value = await handler(JSON.parse(run.payload), context)
    finish()
    attempt.ended(outcomeOfResult(value), null)
  } catch (error) {
    finish()
    attempt.ended(outcomeOfError(error), null)
  }
}
