/**
 * The life of a node in the foreground: made, announced, run until a signal, left in good order.
 *
 * The local API outlives the node's leaving: whoever waits for a task that still finishes here is told. The first
 * signal asks for a good end, the second one for the end.
 */
import type { Logger } from 'pino'
import { startApi } from '../api/server.ts'
import type { LogLevel } from '../names.ts'
import type { NodeHandle } from '../node/handle.ts'
import { createLog, logEvent } from './log.ts'
import type { Terminal } from './terminal.ts'

export type WorkingNode = NodeHandle & { startWorker(): Promise<void> }

export type Serving = Readonly<{
  /** Joins the cluster. */
  create: (log: Logger) => Promise<WorkingNode>
  /** The node's data folder. */
  folder: string
  json: boolean
  logLevel: LogLevel
}>

/** How long running tasks may go on after the first signal. */
const GRACE_MS = 30_000
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const
type Signal = keyof typeof EXIT_CODES

/** Runs a node until a signal ends it. Resolves when it has left. */
export async function serve(serving: Serving, terminal: Terminal): Promise<void> {
  const log = createLog(serving.logLevel, terminal.stderr)
  const { first, ignore } = stopSignals(terminal)
  try {
    const node = await serving.create(log)
    node.onEvent(event => logEvent(log, event))
    await work(node, serving, terminal, first)
  } finally {
    ignore()
  }
}

async function work(
  node: WorkingNode,
  { folder, json }: Serving,
  terminal: Terminal,
  stop: Promise<Signal>
): Promise<void> {
  const api = await startApi(node, folder).catch((error: unknown) => leave(node, error))
  try {
    await node.startWorker()
    const { name, id, addresses } = node
    if (json) await terminal.json({ v: 1, event: 'ready', name, id, addresses })
    else await terminal.line(`ready ${name} ${id}`)
    const signal = await stop
    terminal.words(
      `${signal}: no new tasks, running ones have ${GRACE_MS / 1000} s to finish; once more to stop at once`
    )
    await node.leave(GRACE_MS)
  } catch (error) {
    await leave(node, error)
  } finally {
    await api.close()
  }
}

/** A node that cannot be used must not stay in the cluster. */
async function leave(node: WorkingNode, error: unknown): Promise<never> {
  await node.leave(0)
  throw error
}

/** `first` resolves at the first signal; the second ends the process. */
function stopSignals(terminal: Terminal): { first: Promise<Signal>; ignore: () => void } {
  const { promise, resolve } = Promise.withResolvers<Signal>()
  let stopping = false
  const onSignal = (signal: Signal): void => {
    if (stopping) {
      terminal.words('stopped at once')
      // oxlint-disable-next-line no-process-exit -- this is what the second signal means
      process.exit(EXIT_CODES[signal])
    }
    stopping = true
    resolve(signal)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const ignore = (): void => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  return { first: promise, ignore }
}
