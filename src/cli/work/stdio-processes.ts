/**
 * Long-lived processes, one for each slot: each reads a line of JSON for a task, and writes lines of what becomes of it.
 * What it prints otherwise is the log of its task. One that ends has failed its task, and the next task gets a new one.
 */
import { jsonFault, parseJson } from '../../shared/json/json-text.ts'
import type { LeaseFailure } from '../../node/api/node-api.ts'
import { eachLine, exitText, start, type Program } from './process.ts'
import type { Ended, Hands, Running, TakenTask } from './work.ts'

/** Between telling a process that its task is cancelled and ending it: less than what the node waits. */
const CANCEL_MS = 20_000
/** Between asking a process to end and ending it. */
const GRACE_MS = 2000

/** Of a line that is quoted. */
const LINE_SHOWN_MAX = 200

/** What a process may write of its task. */
type Said = Readonly<{
  id?: unknown
  result?: unknown
  error?: { name?: unknown; message?: unknown }
  retryable?: unknown
  retryAfterMs?: unknown
  progress?: unknown
  message?: unknown
  log?: unknown
  checkpoint?: unknown
}>

type Current = Readonly<{ taken: TakenTask; end: (ended: Ended) => void }>

/** A process, and what it is at. */
class Child {
  readonly program: Program
  readonly #file: string
  #current: Current | null = null
  hasEnded = false

  constructor(program: Program, file: string) {
    this.program = program
    this.#file = file
    const { child } = program
    const output = Promise.all([
      eachLine(child.stdout, lines => lines.forEach(line => this.#hear(line))),
      eachLine(child.stderr, lines => this.#current?.taken.log(lines))
    ])
    void Promise.all([program.ended, output]).then(([exit]) => {
      this.hasEnded = true
      const message = `${exitText(this.#file, exit)} before its task had ended`
      this.#end({ kind: 'failed', failure: { error: { name: 'WorkerProcessError', message } } })
      void program.group.end(0)
    })
  }

  get isIdle(): boolean {
    return this.#current === null && !this.hasEnded
  }

  async give(taken: TakenTask): Promise<Ended> {
    const { task, type, attempt, dependencies } = taken.task
    const { promise, resolve } = Promise.withResolvers<Ended>()
    this.#current = { taken, end: resolve }
    const rest = JSON.stringify({
      attempt,
      ...checkpointOf(taken),
      dependencies: Object.fromEntries(
        Object.entries(dependencies).map(([id, { result }]) => [id, result])
      )
    })
    const head = JSON.stringify({ id: task, type }).slice(0, -1)
    this.program.child.stdin.write(`${head},"payload":${payloadLine(taken)},${rest.slice(1)}\n`)
    return promise
  }

  cancel(reason: string): void {
    const id = this.#current?.taken.task.task
    if (id === undefined || this.hasEnded) return
    this.program.child.stdin.write(`${JSON.stringify({ id, cancel: reason })}\n`)
    const current = this.#current
    setTimeout(() => {
      if (this.#current === current) void this.program.group.end(GRACE_MS)
    }, CANCEL_MS).unref()
  }

  /** The process hears when it stands, or why it does not. */
  async #save(taken: TakenTask, text: string): Promise<void> {
    const id = taken.task.task
    const answer = await taken.save(text).then(
      () => ({ id, saved: true }),
      ({ name, message }: Error) => ({ id, saved: false, error: { name, message } })
    )
    if (this.#current?.taken !== taken || this.hasEnded) return
    this.program.child.stdin.write(`${JSON.stringify(answer)}\n`)
  }

  #end(ended: Ended): void {
    const current = this.#current
    this.#current = null
    current?.end(ended)
  }

  #hear(line: string): void {
    const taken = this.#current?.taken
    if (taken === undefined || line === '') return
    const said = saidOf(line)
    if (said === null) return taken.log([line])
    if (!('id' in said)) return this.#end(endWithoutId(line))
    // Of a task that it does not have any more.
    if (said.id !== taken.task.task) return
    const ended = endOf(said)
    if (ended !== null) return this.#end(ended)
    const { progress, message, log } = said
    if (typeof progress === 'number' && progress >= 0 && progress <= 1) {
      taken.progress(progress, typeof message === 'string' ? message : undefined)
    }
    if (typeof log === 'string') taken.log(log.split('\n'))
    if ('checkpoint' in said) void this.#save(taken, JSON.stringify(said.checkpoint))
  }
}

export class StdioProcesses implements Hands {
  readonly #argv: readonly string[]
  readonly #children = new Set<Child>()

  constructor(argv: readonly string[]) {
    this.#argv = argv
  }

  run(taken: TakenTask): Running {
    let child: Child | null = null
    let reason: string | null = null
    const given = async (): Promise<Ended> => {
      child = [...this.#children].find(({ isIdle }) => isIdle) ?? (await this.#start())
      const ended = child.give(taken)
      if (reason !== null) child.cancel(reason)
      const said = await ended
      if (child.hasEnded) this.#children.delete(child)
      return reason === null ? said : { kind: 'given back' }
    }
    return {
      ended: given(),
      cancel: why => {
        reason ??= why
        child?.cancel(why)
      }
    }
  }

  async stop(): Promise<void> {
    await Promise.all(
      Array.from(this.#children, async ({ program }) => {
        program.child.stdin.end()
        await program.group.end(GRACE_MS)
      })
    )
  }

  async #start(): Promise<Child> {
    const child = new Child(await start(this.#argv, {}), this.#argv[0]!)
    this.#children.add(child)
    return child
  }
}

/** As a value; what is no JSON as text. */
function checkpointOf({ checkpoint }: TakenTask): Readonly<{ checkpoint?: unknown }> {
  if (checkpoint === null) return {}
  try {
    return { checkpoint: JSON.parse(checkpoint) as unknown }
  } catch {
    return { checkpoint }
  }
}

/** JSON text that has no line of its own within. */
function payloadLine({ payload }: TakenTask): string {
  return payload.includes('\n') ? JSON.stringify(JSON.parse(payload)) : payload
}

function saidOf(line: string): Said | null {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null) return null
    if (!('id' in value)) return 'result' in value ? value : null
    const fault = faultOf(line)
    if (fault === null) return value
    const error = { name: 'ResultRejectedError', message: fault }
    return { id: value.id, error, retryable: false }
  } catch {
    return null
  }
}

/** A process that waits for nothing more would otherwise leave its task open for ever. */
function endWithoutId(line: string): Ended {
  const message = `a line with a result has no "id", so nobody knows which task it is of: ${line.slice(0, LINE_SHOWN_MAX)}`
  const error = { name: 'ResultRejectedError', message }
  return { kind: 'failed', failure: { error, retryable: false } }
}

/** Why JSON would arrive as something else than it was; null: it would not. */
function faultOf(line: string): string | null {
  try {
    parseJson(line)
    return null
  } catch (error) {
    return jsonFault(error)
  }
}

function endOf(said: Said): Ended | null {
  if ('result' in said) return { kind: 'completed', text: JSON.stringify(said.result) }
  const { error, retryable, retryAfterMs } = said
  if (error === undefined) return null
  const failure: LeaseFailure = {
    error: { name: textOf(error?.name, 'Error'), message: textOf(error?.message, '') },
    ...(typeof retryable === 'boolean' ? { retryable } : {}),
    ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0
      ? { retryAfterMs: Math.round(retryAfterMs) }
      : {})
  }
  return { kind: 'failed', failure }
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}
