/**
 * The handlers of a node, in one version: all that is loaded from files was read at one time, is replaced as a whole, and
 * stays as it is if the new one cannot be loaded.
 *
 * What could be loaded at the start may later fail in a thread: a package is being installed anew, a file that is read at
 * import is gone. Then the node offers the handlers of that file no longer, and tries it again after a while. Otherwise a
 * node that can run nothing would be the one that is always free, and take one task after the other.
 */
import { resolve } from 'node:path'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Handler } from '../ports/handler.ts'
import type { ReloadedHandlers } from '../ports/ports.ts'
import { HandlersFileError, InvalidOptionError } from '../shared/errors.ts'
import { COMMAND_TYPE } from '../shared/names.ts'
import { HandlerCode } from './code/handler-code.ts'
import { Registry, type ModuleSource, type Source } from './registry.ts'
import { listHandlers } from './threads/list-handlers.ts'
import { schemaOf } from './validation.ts'

export type HandlersOptions = Readonly<{
  memoryMiB: number
  loadTimeoutMs: number
  log: { warn(message: string): void } | null
  /** Called when a new version takes the place of the last one, before anything is run by it. */
  replaced: () => void
}>

/** Guess: an installation of packages takes some seconds. */
const AGAIN_MS_MIN = 5000
const AGAIN_MS_MAX = 60_000

export class Handlers {
  readonly #options: HandlersOptions
  #registry = new Registry()
  #code = new HandlerCode()
  /** Handlers files of which all handlers are taken. */
  #files: string[] = []
  /** Types that a program has registered a file for. */
  readonly #modules = new Map<string, string>()
  /** Files that could be loaded once, and cannot be now. */
  readonly #unloadable = new Map<string, NodeJS.Timeout>()
  /** How often in a row a file could not be loaded. */
  readonly #failures = new Map<string, number>()
  /** One change after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #changed: () => void = () => {}
  #stopped = false

  constructor(options: HandlersOptions) {
    this.#options = options
  }

  /** Types that can be run, sorted. */
  get types(): readonly string[] {
    return this.#registry.types.filter(type => this.get(type) !== undefined)
  }

  /** Called when `types` are others by themselves, not by a registration. */
  onChanged(changed: () => void): void {
    this.#changed = changed
  }

  /** Where the handler of a type is; undefined if there is none, or it cannot be loaded now. */
  get(type: string): Source | undefined {
    const source = this.#registry.get(type)
    const isGone = source?.kind === 'module' && this.#unloadable.has(source.file)
    return isGone ? undefined : source
  }

  addCommands(): void {
    this.#registry.add(COMMAND_TYPE, { kind: 'command' })
  }

  addFunction(type: string, handler: Handler, schema: StandardSchemaV1 | null): void {
    if (typeof handler !== 'function') {
      throw new InvalidOptionError(`the handler for ${type} is a ${typeof handler}, not a function`)
    }
    this.#registry.add(type, { kind: 'function', handler, schema: schema ?? schemaOf(handler) })
  }

  /** @throws HandlersFileError InvalidOptionError */
  addFiles(paths: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const path of paths) await this.#addFile(resolve(path), this.#registry, this.#code)
      this.#files = paths.map(path => resolve(path))
    })
  }

  /** @throws HandlersFileError InvalidOptionError */
  async addModule(type: string, path: string): Promise<void> {
    this.#registry.check(type)
    await this.#inTurn(async () => {
      await this.#addModule(type, resolve(path), this.#registry, this.#code)
      this.#modules.set(type, resolve(path))
    })
  }

  /**
   * Reads all files anew, and takes what is in them in place of what was: all of it, or nothing.
   *
   * @param files handlers files. @default those of the last time
   * @throws HandlersFileError InvalidOptionError and nothing has changed
   */
  reload(files: readonly string[] | undefined): Promise<ReloadedHandlers> {
    return this.#inTurn(async () => {
      const before = this.#registry.types
      const paths = files?.map(path => resolve(path)) ?? this.#files
      const [registry, code] = [this.#registry.withoutModules(), new HandlerCode()]
      for (const file of paths) await this.#addFile(file, registry, code)
      for (const [type, file] of this.#modules) await this.#addModule(type, file, registry, code)
      for (const file of this.#unloadable.keys()) this.#isLoadable(file)
      this.#failures.clear()
      this.#registry = registry
      this.#code = code
      this.#files = paths
      this.#options.replaced()
      this.#changed()
      const { types } = registry
      return {
        handlers: this.types,
        added: types.filter(type => !before.includes(type)),
        removed: before.filter(type => !types.includes(type))
      }
    })
  }

  /** A thread has loaded the file. */
  loaded(file: string): void {
    this.#failures.delete(file)
  }

  /** A thread could not load the file: the node offers nothing of it until it can be loaded. */
  cannotLoad({ file, code }: ModuleSource, why: string): void {
    if (code !== this.#code || this.#unloadable.has(file) || this.#stopped) return
    const failures = this.#failures.get(file) ?? 0
    this.#failures.set(file, failures + 1)
    const againMs = Math.min(AGAIN_MS_MAX, AGAIN_MS_MIN * 2 ** failures)
    const timer = setTimeout(() => void this.#tryAgain(file, code), againMs).unref()
    this.#unloadable.set(file, timer)
    this.#options.log?.warn(
      `the handlers file ${file} cannot be loaded any more, so its tasks are left to other nodes: ${why}; ` +
        'it is tried again by itself, and at once by "hearsay reload"'
    )
    this.#changed()
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#unloadable.values()) clearTimeout(timer)
  }

  async #tryAgain(file: string, code: HandlerCode): Promise<void> {
    try {
      await listHandlers(file, code, this.#options)
    } catch (error) {
      if (code !== this.#code) return
      this.#unloadable.delete(file)
      return this.cannotLoad({ file, code }, (error as Error).message)
    }
    if (code !== this.#code || this.#stopped) return
    this.#isLoadable(file)
    this.#options.log?.warn(`the handlers file ${file} can be loaded again`)
    this.#changed()
  }

  #isLoadable(file: string): void {
    clearTimeout(this.#unloadable.get(file))
    this.#unloadable.delete(file)
  }

  async #addFile(file: string, registry: Registry, code: HandlerCode): Promise<void> {
    const { types, withSchema, code: read } = await listHandlers(file, code, this.#options)
    if (types.length === 0) {
      throw new HandlersFileError(
        `the handlers file ${file} has no handlers: export functions, or a default object of functions`
      )
    }
    for (const type of types) {
      const hasSchema = withSchema.includes(type)
      registry.add(type, { kind: 'module', file, code, hasSchema })
    }
    code.add(read)
  }

  async #addModule(
    type: string,
    file: string,
    registry: Registry,
    code: HandlerCode
  ): Promise<void> {
    const listed = await listHandlers(file, code, this.#options)
    const { types, hasDefault, withSchema } = listed
    if (!types.includes(type) && !hasDefault) {
      throw new HandlersFileError(
        `the handlers file ${file} has no handler for ${type}: export a function of that name, or as default`
      )
    }
    const hasSchema = withSchema.includes(types.includes(type) ? type : 'default')
    registry.add(type, { kind: 'module', file, code, hasSchema })
    code.add(listed.code)
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#turn.then(change)
    this.#turn = changed.catch(() => {})
    return changed
  }
}
