/**
 * The life of a node in the foreground: made, announced, run until a signal, left in good order.
 *
 * The local API outlives the node's leaving: whoever waits for a task that still finishes here is told. The first
 * signal lets running tasks finish, the second one has them handed on at once, the third one ends the process.
 */
import type { Logger } from 'pino'
import { startApi } from '../api/server.ts'
import { durationText } from './duration.ts'
import type { LogLevel } from '../names.ts'
import type { NodeHandle } from '../node/handle.ts'
import { SIGNAL_EXIT_CODES } from './exit-code.ts'
import { createLog, logEvent } from './log.ts'
import { ServiceManager } from './service-manager.ts'
import type { Terminal } from './terminal.ts'

export type WorkingNode = NodeHandle & {
  startWorker(): Promise<void>
  readonly closed: Promise<Error | null>
}

export type Serving = Readonly<{
  /** Joins the cluster. */
  create: (log: Logger) => Promise<WorkingNode>
  /** The node's data folder. */
  folder: string
  json: boolean
  logLevel: LogLevel
  /** How long running tasks may go on after the first signal. */
  graceMs: number
  /**
   * What SIGHUP means: reads the configuration again, and resolves to what came of that, in words. Without it, SIGHUP
   * means what SIGTERM does: whoever has started the node in a terminal has closed that.
   */
  reload?: (node: WorkingNode) => Promise<string>
  /** Leave at once when stdin ends: a node of somebody who may be killed, and must not leave it behind. */
  untilStdinEnds?: boolean
}>

/** What handing on at once may take: more than `leave(0)` grants itself, for closing. */
const HAND_ON_MS = 7000
type Signal = keyof typeof SIGNAL_EXIT_CODES

/** Signals, and the end of stdin, as the steps that they mean. */
type Stops = Readonly<{
  /** What to do, in words; the tasks that run have so many ms to finish. */
  first: Promise<{ words: string; graceMs: number }>
  second: Promise<unknown>
  /** From here on there is a node to read its configuration again. */
  reloads: (node: WorkingNode) => void
  ignore: () => void
}>

/** Runs a node until a signal ends it. Resolves when it has left. */
export async function serve(serving: Serving, terminal: Terminal): Promise<void> {
  const log = createLog(serving.logLevel, terminal.stderr)
  const manager = new ServiceManager(process.env, text => log.warn(text))
  const stops = stopSignals(terminal, serving)
  try {
    const node = await serving.create(log)
    node.onEvent(event => logEvent(log, event))
    stops.reloads(node)
    await work(node, serving, terminal, stops, { log, manager })
  } finally {
    stops.ignore()
  }
}

async function work(
  node: WorkingNode,
  { folder, json }: Serving,
  terminal: Terminal,
  stops: Stops,
  { log, manager }: { log: Logger; manager: ServiceManager }
): Promise<void> {
  const api = await startApi(node, folder).catch((error: unknown) => leave(node, error))
  try {
    await node.startWorker()
    const { name, id, addresses } = node
    if (json) await terminal.json({ v: 1, event: 'ready', name, id, addresses })
    else await terminal.line(`ready ${name} ${id}`)
    introduce(node, folder, log)
    manager.ready(name)
    const stop = await Promise.race([stops.first, node.closed])
    if (stop instanceof Error) throw stop
    if (stop !== null) terminal.words(stop.words)
    manager.stopping()
    const left = node.leave(stop?.graceMs)
    // Should leaving fail, `left` tells.
    stops.second.then(() => node.leave(0)).catch(() => {})
    await left
    terminal.words(`${name} has left the cluster "${node.cluster}"`)
  } catch (error) {
    await leave(node, error)
  } finally {
    await api.close()
  }
}

/** What somebody who has just started it may want to check. */
function introduce(node: WorkingNode, folder: string, log: Logger): void {
  const { handlers = [], slots } = node.nodes().find(({ self }) => self) ?? {}
  const work = handlers.length > 0 ? handlers : 'none: it runs no tasks, see --handlers'
  log.info({ cluster: node.cluster, data: folder, slots, handlers: work }, 'node:started')
}

/** A node that cannot be used must not stay in the cluster. */
async function leave(node: WorkingNode, error: unknown): Promise<never> {
  await node.leave(0)
  throw error
}

function stopSignals(terminal: Terminal, { graceMs, reload, untilStdinEnds }: Serving): Stops {
  const first = Promise.withResolvers<{ words: string; graceMs: number }>()
  const second = Promise.withResolvers<void>()
  let signals = 0
  const onSignal = (signal: Signal): void => {
    signals++
    if (signals === 1) {
      const words = `${signal}: no new tasks, running ones have ${durationText(graceMs)} to finish; once more to hand them on at once`
      first.resolve({ words, graceMs })
    } else if (signals === 2) {
      terminal.words('running tasks are handed on; once more to end without that')
      setTimeout(end, HAND_ON_MS, signal).unref()
      second.resolve()
    } else {
      end(signal)
    }
  }
  const end = (signal: Signal): void => {
    terminal.words('ended at once')
    // oxlint-disable-next-line no-process-exit -- this is what the third signal means
    process.exit(SIGNAL_EXIT_CODES[signal])
  }
  const onStdinEnd = (): void => first.resolve({ words: 'stdin has ended', graceMs: 0 })
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  let serving: WorkingNode | null = null
  const onHangUp = (signal: Signal): void => {
    if (reload === undefined) onSignal(signal)
    // One that is only starting has read its configuration a moment ago.
    else if (serving !== null) void reloaded(serving, reload, terminal)
  }
  process.on('SIGHUP', onHangUp)
  // Killed or not, whoever held the other end is gone. `close` comes after both `end` and `error`.
  if (untilStdinEnds)
    terminal.stdin
      .on('error', () => {})
      .once('close', onStdinEnd)
      .resume()
  return {
    first: first.promise,
    second: second.promise,
    reloads: node => (serving = node),
    ignore() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
      process.off('SIGHUP', onHangUp)
      if (untilStdinEnds) terminal.stdin.destroy()
    }
  }
}

/** A configuration that is wrong is no reason to stop: the node goes on with the one it has. */
async function reloaded(
  node: WorkingNode,
  reload: (node: WorkingNode) => Promise<string>,
  terminal: Terminal
): Promise<void> {
  const words = await reload(node).catch((error: Error) => `nothing has changed: ${error.message}`)
  terminal.words(`SIGHUP: ${words}`)
}
