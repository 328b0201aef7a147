/**
 * What this node can run: handlers as they are registered, in the pools that it was told, whether it has begun to take
 * tasks; and pools of processes that work for it, which come and go.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Input } from '../../core/input.ts'
import type { NamedPool } from '../../core/message.ts'
import { LIMITS } from '../../core/options.ts'
import {
  assertPoolsFit,
  checkPool,
  type CheckedPool,
  type PoolOptions
} from '../../pool-options.ts'
import { InvalidOptionError, PayloadRejectedError } from '../../shared/errors.ts'
import { COMMAND_TYPE } from '../../shared/names.ts'
import type { Handler } from '../../ports/handler.ts'
import type { ReloadedHandlers, Runner } from '../../ports/ports.ts'
import { typeName } from './checks.ts'

export type WorkerOptions = Readonly<{
  runner: Runner
  /** How many tasks of types that no pool names are run at once. */
  concurrency: number
  /** Beside the default one. */
  pools: readonly CheckedPool[]
  feed: (input: Input) => void
  log: { warn(message: string): void }
}>

export class Worker {
  readonly #options: WorkerOptions
  #working = false
  #registrations: Promise<unknown> = Promise.resolve()
  /** Pools of processes that work for this node, by name, and how many slots each has at the moment. */
  readonly #external = new Map<string, Readonly<{ pool: CheckedPool; slots: number }>>()

  constructor(options: WorkerOptions) {
    this.#options = options
    options.runner.onHandlersChanged(() => this.#handlersChanged())
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
      return this.#handlersChanged()
    }
    if (schema !== null) {
      throw new InvalidOptionError(
        `${handler} is run in threads of its own, so the schema of ${type} belongs there: export it as a property ` +
          '`schema` of the handler'
      )
    }
    const registered = runner.registerModule(type, handler).then(() => this.#handlersChanged())
    this.#registrations = Promise.allSettled([this.#registrations, registered])
    return registered
  }

  /** From here on the node runs tasks. */
  async start(): Promise<void> {
    await this.#registrations
    if (!this.#working) this.#warnOfNoHandlers()
    this.#working = true
    this.#equip()
  }

  /** @throws HandlersFileError InvalidOptionError and nothing has changed */
  reload(files: readonly string[] | undefined): Promise<ReloadedHandlers> {
    return this.#options.runner.reload(files)
  }

  /**
   * A process works for this node from here on: one more pool of the node, whether that has begun to run tasks itself or
   * not. Its tasks come as `start` effects that name the pool and the slot.
   *
   * @throws InvalidOptionError if it cannot be such a pool, or is one too many; nothing has changed then
   */
  addExternalPool(pool: PoolOptions): void {
    const checked = checkPool(pool)
    if (checked.types.includes(COMMAND_TYPE)) {
      throw new InvalidOptionError(
        `tasks of the type ${COMMAND_TYPE} are run by nodes that were started with --commands, by no other process`
      )
    }
    const others = Array.from(this.#external.values(), each => each.pool)
    assertPoolsFit([...this.#options.pools, ...others, checked])
    this.#external.set(checked.name, { pool: checked, slots: checked.slots })
    this.#equip()
  }

  /** Such a pool has more slots than before, or fewer, or none. */
  resizeExternalPool(name: string, slots: number): void {
    const known = this.#external.get(name)
    if (known === undefined || known.slots === slots) return
    this.#external.set(name, { ...known, slots })
    this.#equip()
  }

  /**
   * The process works for this node no more. What it runs keeps its slot until it ends; nothing more is started there.
   * A name of no such pool changes nothing.
   */
  removeExternalPool(name: string): void {
    if (this.#external.delete(name)) this.#equip()
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

  #handlersChanged(): void {
    if (this.#working) this.#equip()
  }

  #equip(): void {
    const { runner, concurrency, pools, feed } = this.#options
    const external = Array.from(this.#external.values(), ({ pool, slots }) => ({
      ...pool,
      slots: Math.min(slots, LIMITS.slotsMax),
      external: true
    }))
    if (!this.#working) {
      return feed({ kind: 'worker', slots: 0, handlers: [], pools: external })
    }
    const { handlers } = runner
    const named = new Set(pools.flatMap(({ types }) => types))
    const own = pools.map((pool): NamedPool => {
      const types = pool.types.filter(type => handlers.includes(type))
      return { ...pool, types, external: false }
    })
    const unnamed = handlers.filter(type => !named.has(type))
    feed({ kind: 'worker', slots: concurrency, handlers: unnamed, pools: [...own, ...external] })
  }

  /** A slip of the keyboard in the name of a type would show in nothing but tasks that wait. */
  #warnOfNoHandlers(): void {
    const { runner, pools, log } = this.#options
    for (const { name, types } of pools) {
      for (const type of types.filter(each => !runner.handlers.includes(each))) {
        log.warn(`the pool ${name} names the type ${type}, and nothing here handles that yet`)
      }
    }
  }
}

function checkSchema(type: string, schema: unknown): void {
  const standard = (schema as Partial<StandardSchemaV1> | null)?.['~standard']
  if (typeof standard?.validate === 'function' && standard.version === 1) return
  throw new InvalidOptionError(
    `the schema of ${type} is no Standard Schema (version 1), such as those of zod, valibot or arktype`
  )
}
