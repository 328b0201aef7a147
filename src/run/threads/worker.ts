/**
 * The entry of a worker thread: calls handlers, one run at a time.
 *
 * Whatever a handler starts (timers, promises) belongs to its run, and an AsyncLocalStorage remembers to which. So an
 * error that nobody catches is blamed on the run that caused it: the current one fails and takes its thread along; one
 * that has long ended cannot hurt the run that has the thread now, only keep the thread from getting another.
 * An error of unknown origin (say, of a connection that the module opened when it was loaded) counts against the
 * current run: better a run that is tried again than one that goes on in a broken module.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { enableCompileCache } from 'node:module'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import type { RunResult } from '../../core/input.ts'
import { readValues, type RunFiles } from '../contents.ts'
import { createContext, type Reporter } from '../context.ts'
import { Credit } from './credit.ts'
import type { Handler, HandlerContext } from '../../ports/handler.ts'
import { CodeHooks } from '../code/code-hooks.ts'
import { readLateImports } from '../code/late-imports.ts'
import { loadFailure } from '../code/load-failure.ts'
import { loadHandlers, type LoadedHandlers } from './handlers-file.ts'
import { cutBytes, describe } from '../description.ts'
import type { FromThread } from './from-thread.ts'
import { Globals } from './globals.ts'
import { outcomeOfCrash, outcomeOfError, outcomeOfResult, outcomeOfUnreadable } from '../outcome.ts'
import { countSharedMemory } from './shared-memory.ts'
import { captureChildren } from '../printing/children.ts'
import { captureDescriptors } from '../printing/descriptors.ts'
import { capturePrinted, type Print } from '../printing/printed.ts'
import { RunOutput } from '../printing/run-output.ts'
import { saverOf } from '../saving.ts'
import { stopReason, type ThreadData, type ToThread } from './protocol.ts'
import { refusalOf, schemaOf, validated } from '../validation.ts'

type CheckMessage = Extract<ToThread, { kind: 'check' }>
type RunMessage = Extract<ToThread, { kind: 'run' }>
type CurrentRun = { number: number; controller: AbortController; print: Print }

/** Enough for a first line of an error; none of them is told to people as it is. */
const WHY_BYTES_MAX = 4096

// Measured of a handlers file: 1 ms instead of 18 in TypeScript, and half of the time with 1.5 MB of packages.
enableCompileCache()
const { port, credit } = lineToNode()
const postMessage = port.postMessage.bind(port)
const owner = new AsyncLocalStorage<CurrentRun>()
const exit = process.exit.bind(process)
const kill = process.kill.bind(process)
const hooks = new CodeHooks()
hooks.install()
const loaded = new Map<string, LoadedHandlers>()
let current: CurrentRun | null = null
/** "run save" -> who waits for the answer. */
const saves = new Map<string, PromiseWithResolvers<boolean>>()
/** As the last handlers file left them when it was loaded. */
let globals = new Globals()

port.on('message', (message: ToThread) => {
  if (message.kind === 'code') hooks.code.add(message.code)
  else if (message.kind === 'list') void list(message.file)
  else if (message.kind === 'check') void check(message)
  else if (message.kind === 'run') void perform(message)
  else if (message.kind === 'saved') answered(message)
  else if (current?.number === message.number) current.controller.abort(stopReason(message.cause))
})
process.on('uncaughtException', escaped)
process.on('unhandledRejection', escaped)
process.exit = exitOnBehalfOfRun
process.kill = killOthersOnly
/** What is printed on behalf of no run, as by a file while its handlers are listed. */
const strays = new RunOutput({ room: () => true, output: printerTo(process.stderr) })
const print: Print = (stream, bytes) => {
  const run = owner.getStore() ?? current
  if (run === null) strays.write(stream, bytes)
  else run.print(stream, bytes)
}
capturePrinted(print)
captureDescriptors(print)
captureChildren(print)

/** Taken out of where handlers find it. What they post to `parentPort` gets nowhere and costs nothing. */
function lineToNode(): { port: MessagePort; credit: Credit } {
  const data = workerData as ThreadData
  const line = { port: data.port!, credit: new Credit(data.taken!) }
  countSharedMemory(data.shared!)
  delete data.port
  delete data.taken
  delete data.shared
  parentPort!.close()
  return line
}

function post(message: FromThread): void {
  postMessage(message)
}

function printerTo(stream: NodeJS.WriteStream): Reporter['output'] {
  const write = stream.write.bind(stream)
  return (_, bytes) => void write(bytes)
}

/** The reports of a run, as long as the node takes them in. */
function reporterOf(number: number): Reporter {
  const report = (message: FromThread): void => {
    credit.use()
    post(message)
  }
  return {
    room: () => credit.isLeft,
    progress: (fraction, message) => report({ kind: 'progress', number, fraction, message }),
    output: (stream, bytes) => report({ kind: 'output', number, stream, bytes }),
    save: (save, blob) => {
      const waiting = Promise.withResolvers<boolean>()
      saves.set(`${number} ${save}`, waiting)
      post({ kind: 'save', number, save, blob })
      return waiting.promise
    }
  }
}

function answered({ number, save, answer }: Extract<ToThread, { kind: 'saved' }>): void {
  const waiting = saves.get(`${number} ${save}`)
  saves.delete(`${number} ${save}`)
  if (typeof answer === 'boolean') return waiting?.resolve(answer)
  const error = Object.assign(new Error(answer.message), { name: answer.name })
  waiting?.reject(error)
}

async function list(file: string): Promise<void> {
  try {
    const { byType, single } = await loadHandlers(file)
    await readLateImports(hooks)
    const { files, imports } = hooks.code
    const withSchema = [...byType].filter(([, handler]) => schemaOf(handler) !== null)
    post({
      kind: 'listed',
      types: [...byType.keys()],
      hasDefault: single !== null,
      withSchema: [
        ...withSchema.map(([type]) => type),
        ...(single !== null && schemaOf(single) !== null ? ['default'] : [])
      ],
      code: { files, imports }
    })
  } catch (error) {
    const { why, suspects = [] } = loadFailure(error, hooks)
    post({ kind: 'unlisted', why: cutBytes(why, WHY_BYTES_MAX), suspects })
  }
}

async function check({ number, file, type, payload }: CheckMessage): Promise<void> {
  const handler = await findHandler(file, type).catch(() => null)
  const schema = handler === null ? null : schemaOf(handler)
  const refusal = schema === null ? null : await refusalOf(type, schema, payload)
  post({ kind: 'checked', number, refusal })
}

async function perform({ number, file, run, files }: RunMessage): Promise<void> {
  const controller = new AbortController()
  const reporter = reporterOf(number)
  const loading = new RunOutput(reporter)
  const mine: CurrentRun = { number, controller, print: (...said) => loading.write(...said) }
  current = mine
  const isNew = !loaded.has(file)
  let handler: Handler
  try {
    handler = await findHandler(file, run.type)
  } catch (error) {
    loading.flush()
    const { why } = loadFailure(error, hooks)
    return post({ kind: 'unloadable', number, why: cutBytes(why, WHY_BYTES_MAX) })
  }
  if (isNew) {
    globals = new Globals()
    post({ kind: 'loaded', number })
  }
  const values = await readValues(run, files).catch(outcomeOfUnreadable)
  post({ kind: 'called', number })
  const calledAt = performance.now()
  let result: RunResult
  if ('status' in values) result = values
  else {
    loading.flush()
    const { payload, ...rest } = values
    const given = { ...rest, saveCheckpoint: saverOf(files.result, reporter.save) }
    const { context, print, finish } = createContext(run, given, controller.signal, reporter)
    mine.print = print
    result = await owner.run(mine, async () => call(run.type, handler, payload, context, files))
    finish()
    const changed = globals.changed()
    if (changed !== null) taint(`a handler of ${run.type} changed ${changed}`)
  }
  current = null
  post({ kind: 'ended', number, result, durationMs: Math.round(performance.now() - calledAt) })
}

async function call(
  type: string,
  handler: Handler,
  payload: unknown,
  context: HandlerContext,
  files: RunFiles
): Promise<RunResult> {
  try {
    const given = await validated(type, schemaOf(handler), payload)
    return await outcomeOfResult(await handler(given, context), files.result)
  } catch (error) {
    return outcomeOfError(error)
  }
}

/** The file was fine when it was listed. It may no longer be: packages, data that it reads. @throws whatever it throws */
async function findHandler(file: string, type: string): Promise<Handler> {
  const known = loaded.get(file) ?? (await loadHandlers(file))
  loaded.set(file, known)
  const handler = known.byType.get(type) ?? known.single
  if (handler !== null) return handler
  throw new Error(`it has no handler for ${type} any more`)
}

function escaped(error: unknown): void {
  const blamed = owner.getStore() ?? current
  if (blamed !== null && blamed === current) {
    post({ kind: 'crashed', number: blamed.number, result: outcomeOfCrash(error) })
    exit(1)
  }
  const { name, message } = describe(error)
  taint(`nobody caught ${name}: ${message}`)
  if (current === null) exit(1)
}

function taint(why: string): void {
  post({ kind: 'tainted', why: cutBytes(why, WHY_BYTES_MAX) })
}

/** `process.exit` in a thread ends the thread. Left behind by a run that is over, it must not end another's. */
function exitOnBehalfOfRun(code?: number | string | null): never {
  const blamed = owner.getStore()
  if (blamed !== undefined && blamed !== current) {
    throw new Error(`process.exit(${code ?? ''}) was called by a run that had ended`)
  }
  return exit(code)
}

/** A handler that ends its own process, or its group, means what it can see of it: this thread. */
function killOthersOnly(pid: number, signal?: string | number): true {
  const isOwn = pid === process.pid || pid === -process.pid || pid === 0
  return isOwn && signal !== 0 ? process.exit(1) : kill(pid, signal)
}
