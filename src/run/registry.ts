/**
 * Which handler a type of task has. One type, one handler: of two, nobody could say which one will run.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { NODE_LIMITS, TASK_LIMITS } from '../core/options.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import type { Handler } from '../ports/handler.ts'
import type { HandlerCode } from './code/handler-code.ts'

/** Absolute path of a handlers file, and what it is loaded from. */
export type ModuleSource = Readonly<{ file: string; code: HandlerCode }>

export type Source =
  | Readonly<{ kind: 'function'; handler: Handler; schema: StandardSchemaV1 | null }>
  /** `hasSchema`: whether the handler comes with a schema. */
  | (ModuleSource & Readonly<{ kind: 'module'; hasSchema: boolean }>)
  /** The node runs commands of other people's choice. */
  | Readonly<{ kind: 'command' }>

export class Registry {
  readonly #sources = new Map<string, Source>()

  /** Sorted. */
  get types(): readonly string[] {
    return [...this.#sources.keys()].sort()
  }

  get(type: string): Source | undefined {
    return this.#sources.get(type)
  }

  /** Another one, with all that does not come from files. */
  withoutModules(): Registry {
    const registry = new Registry()
    for (const [type, source] of this.#sources) {
      if (source.kind !== 'module') registry.#sources.set(type, source)
    }
    return registry
  }

  /** @throws InvalidOptionError */
  add(type: string, source: Source): void {
    this.check(type)
    this.#sources.set(type, source)
  }

  /**
   * Whether the type is a name and is free.
   *
   * @throws InvalidOptionError
   */
  check(type: string): void {
    if (typeof type !== 'string' || type.length < 1 || type.length > TASK_LIMITS.typeLengthMax) {
      const limits = `1 to ${TASK_LIMITS.typeLengthMax} characters`
      throw new InvalidOptionError(
        `a task type is a text of ${limits}, not ${JSON.stringify(type)}`
      )
    }
    // Half a character has no UTF-8: the heartbeat that names the type could not be sent.
    if (!type.isWellFormed()) {
      throw new InvalidOptionError(
        `a task type has half a character (a lone surrogate) in ${JSON.stringify(type)}`
      )
    }
    const taken = this.#sources.get(type)
    if (taken === undefined) return this.#checkRoom(type)
    throw new InvalidOptionError(
      `the task type ${type} has a handler already, ${placeOf(taken)}; rename or remove one of the two`
    )
  }

  /** A node tells all others which types it runs, every second. */
  #checkRoom(type: string): void {
    const { handlersMax, handlersBytesMax } = NODE_LIMITS
    const bytes = Buffer.byteLength([...this.#sources.keys(), type].join(''))
    if (this.#sources.size < handlersMax && bytes <= handlersBytesMax) return
    throw new InvalidOptionError(
      `a node has handlers for at most ${handlersMax} task types, with names of ${handlersBytesMax} bytes in all: ` +
        `${JSON.stringify(type)} is too much; use fewer types, or another node for it`
    )
  }
}

function placeOf(source: Source): string {
  switch (source.kind) {
    case 'module':
      return `in ${source.file}`
    case 'function':
      return 'a function of this program'
    case 'command':
      return 'because this node runs commands'
  }
}
