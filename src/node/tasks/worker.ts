/**
 * What this node can run: handlers as they are registered, and whether it has begun to take tasks.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Input } from '../../core/input.ts'
import { InvalidOptionError, PayloadRejectedError } from '../../shared/errors.ts'
import type { Handler } from '../../ports/handler.ts'
import type { ReloadedHandlers, Runner } from '../../ports/ports.ts'
import { typeName } from './checks.ts'

export type WorkerOptions = Readonly<{
  runner: Runner
  /** How many tasks are run at once. */
  concurrency: number
  feed: (input: Input) => void
}>

export class Worker {
  readonly #options: WorkerOptions
  #working = false
  #registrations: Promise<unknown> = Promise.resolve()

  constructor(options: WorkerOptions) {
    this.#options = options
    options.runner.onHandlersChanged(() => this.#equip())
  }

  /** @throws InvalidOptionError HandlersFileError */
  register(
    type: string,
    handler: Handler | string,
    schema: StandardSchemaV1 | null
  ): void | Promise<void> {
    typeName(type)
    if (schema !== null) checkSchema(type, schema)
    const { runner } = this.#options
    if (typeof handler !== 'string') {
      runner.registerFunction(type, handler, schema)
      return this.#equip()
    }
    if (schema !== null) {
      throw new InvalidOptionError(
        `${handler} is run in threads of its own, so the schema of ${type} belongs there: export it as a property ` +
          '`schema` of the handler'
      )
    }
    const registered = runner.registerModule(type, handler).then(() => this.#equip())
    this.#registrations = Promise.allSettled([this.#registrations, registered])
    return registered
  }

  /** From here on the node runs tasks. */
  async start(): Promise<void> {
    await this.#registrations
    this.#working = true
    this.#equip()
  }

  /** @throws HandlersFileError InvalidOptionError and nothing has changed */
  reload(files: readonly string[] | undefined): Promise<ReloadedHandlers> {
    return this.#options.runner.reload(files)
  }

  /**
   * Rejects with a PayloadRejectedError if this node's own handler would refuse a payload, JSON text. Null at once if
   * it takes anything.
   */
  assertAccepted(type: string, payload: string): Promise<void> | null {
    const asked = this.#options.runner.refusalOf(type, payload)
    if (asked === null) return null
    return asked.then(refusal => {
      if (refusal !== null) throw new PayloadRejectedError(`${refusal}: no task was created`)
    })
  }

  #equip(): void {
    if (!this.#working) return
    const { runner, concurrency, feed } = this.#options
    feed({ kind: 'worker', slots: concurrency, handlers: runner.handlers })
  }
}

function checkSchema(type: string, schema: unknown): void {
  const standard = (schema as Partial<StandardSchemaV1> | null)?.['~standard']
  if (typeof standard?.validate === 'function' && standard.version === 1) return
  throw new InvalidOptionError(
    `the schema of ${type} is no Standard Schema (version 1), such as those of zod, valibot or arktype`
  )
}
