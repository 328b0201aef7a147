/**
 * The life of a node in the foreground: made, announced, run until a signal, left in good order.
 *
 * The local API outlives the node's leaving: callers that wait for a task that still finishes here are told. The first
 * signal lets running tasks finish, the second one has them handed on at once, the third one ends the process. A node
 * that is only starting ends within a second of the first, and at the second.
 */
import type { Logger } from 'pino'
import type { Reloaded } from '../../api/routes/reload.ts'
import { startApi } from '../../api/server.ts'
import { TasksLeftBehindError } from '../../shared/errors.ts'
import { durationText } from '../output/duration.ts'
import type { LogLevel } from '../../shared/names.ts'
import type { ListsApi } from '../../node/api/lists-api.ts'
import type { NodeApi } from '../../node/api/node-api.ts'
import { SIGNAL_EXIT_CODES } from '../exit-code.ts'
import { createLog, logEvent } from '../output/log.ts'
import { addressesText } from '../output/print.ts'
import { HangUp } from './hang-up.ts'
import { reloadedWords } from './reload.ts'
import { ServiceManager } from './service-manager.ts'
import { giveBackSoon } from './start-garbage.ts'
import type { Terminal } from '../terminal.ts'

export type WorkingNode = NodeApi &
  ListsApi & {
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
   * Reads the handlers and the configuration again: asked for by a verb, or by SIGHUP (hang-up.ts). Without it there is
   * nothing to read, and SIGHUP means what SIGTERM does.
   */
  reload?: (node: WorkingNode) => Promise<Reloaded>
  /** Leave at once when stdin ends: for the node of a parent that may be killed, and must not leave it behind. */
  untilStdinEnds?: boolean
}>

/** What handing on at once may take: more than `leave(0)` grants itself, for closing. */
const HAND_ON_MS = 7000
/** For a node that is told to end while it starts. What takes longer may take for ever. Guess. */
const START_MS = 1000
type Signal = keyof typeof SIGNAL_EXIT_CODES

/** Signals, and the end of stdin, as the steps that they mean. */
type Stops = Readonly<{
  /** What to do, in words; the tasks that run have `graceMs` to finish. */
  first: Promise<{ words: string; graceMs: number }>
  second: Promise<unknown>
  /** Ends the process, whatever hangs. */
  end: () => void
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
    const node = await started(serving.create(log), stops, terminal)
    if (node === null) return
    node.onEvent(event => logEvent(log, event))
    stops.reloads(node)
    await work(node, serving, terminal, stops, { log, manager })
  } finally {
    stops.ignore()
  }
}

/**
 * Whatever a start waits for, a signal ends it: a handlers file whose import never ends, a disk that does not answer.
 * One that gets there in time leaves in good order; null then.
 */
async function started(
  starting: Promise<WorkingNode>,
  stops: Stops,
  terminal: Terminal
): Promise<WorkingNode | null> {
  const isFirst = await Promise.race([starting.then(() => true), stops.first.then(() => false)])
  if (isFirst) return starting
  terminal.words('it is still starting, and ends within a second; once more to end it at once')
  const patience = setTimeout(stops.end, START_MS)
  try {
    const node = await starting
    await node.leave(0)
    return null
  } finally {
    clearTimeout(patience)
  }
}

async function work(
  node: WorkingNode,
  { folder, json, reload }: Serving,
  terminal: Terminal,
  stops: Stops,
  { log, manager }: { log: Logger; manager: ServiceManager }
): Promise<void> {
  const api = await startApi(node, folder, reload && (() => reload(node))).catch((error: unknown) =>
    leave(node, error)
  )
  try {
    await node.startWorker()
    const { name, id, addresses } = node
    if (json) await terminal.json({ v: 1, event: 'ready', name, id, addresses })
    else await terminal.line(`ready ${name} ${id} ${addressesText(addresses)}`)
    introduce(node, folder, log)
    manager.ready(name)
    giveBackSoon()
    const stop = await Promise.race([stops.first, node.closed])
    if (stop instanceof Error) throw stop
    if (stop !== null) terminal.words(stop.words)
    manager.stopping()
    const left = node.leave(stop?.graceMs)
    // Should leaving fail, `left` tells.
    stops.second.then(() => node.leave(0)).catch(() => {})
    await left.catch((error: unknown) => {
      if (!(error instanceof TasksLeftBehindError)) throw error
      terminal.words(error.message)
    })
    terminal.words(`${name} has left the cluster "${node.cluster}"`)
  } catch (error) {
    await leave(node, error)
  } finally {
    await api.close()
  }
}

/** What a user who has just started it may want to check. */
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
  let serving: WorkingNode | null = null
  let signals = 0
  let last: Signal = 'SIGTERM'
  const onSignal = (signal: Signal): void => {
    signals++
    last = signal
    if (signals > 1 && serving === null) {
      end(signal)
    } else if (signals === 1) {
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
    // A thread that hangs in the kernel would have `exit` wait for it. Nothing but the signal itself ends that.
    if (serving === null) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
    // oxlint-disable-next-line no-process-exit -- this is what the third signal means
    process.exit(SIGNAL_EXIT_CODES[signal])
  }
  const onStdinEnd = (): void => first.resolve({ words: 'stdin has ended', graceMs: 0 })
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const onSigHup = hangUpListener(
    onSignal,
    // One that is only starting has read all that a moment ago.
    reload && (async () => serving && (await reloaded(serving, reload, terminal)))
  )
  process.on('SIGHUP', onSigHup)
  // Killed or not, the process that held the other end is gone. `close` comes after both `end` and `error`.
  if (untilStdinEnds)
    terminal.stdin
      .on('error', () => {})
      .once('close', onStdinEnd)
      .resume()
  return {
    first: first.promise,
    second: second.promise,
    end: () => end(last),
    reloads: node => (serving = node),
    ignore() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
      process.off('SIGHUP', onSigHup)
      if (untilStdinEnds) terminal.stdin.destroy()
    }
  }
}

/** @param again reads anew what the node was started with. @default there is nothing to read */
function hangUpListener(
  stop: (signal: Signal) => void,
  again: (() => Promise<unknown>) | undefined
): (signal: Signal) => void {
  const hangUp = new HangUp(process.env)
  return signal =>
    void hangUp.meaning().then(meaning => {
      if (meaning === 'nothing') return
      return meaning === 'closed' || again === undefined ? stop(signal) : again()
    })
}

/** What is wrong is no reason to stop: the node goes on with the one it has. */
async function reloaded(
  node: WorkingNode,
  reload: (node: WorkingNode) => Promise<Reloaded>,
  terminal: Terminal
): Promise<void> {
  const words = await reload(node).then(
    reloadedWords,
    (error: Error) => `nothing has changed: ${error.message}`
  )
  terminal.words(`SIGHUP: ${words}`)
}
