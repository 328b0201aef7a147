/**
 * Has a thread load the handlers from their code in memory (handler-code.ts), and reads what is not there yet from disk.
 *
 * Node asks the hooks where an import leads, and what is there. The names of files stay as they are: in stacks, in
 * `import.meta.url`, and where a handler looks for its data. And `hearsay` is this program itself, wherever the file
 * stands: it may be in no project, or in one without hearsay.
 */
import { readFileSync } from 'node:fs'
import { createRequire, registerHooks, type LoadFnOutput, type LoadHookContext } from 'node:module'
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isProgramFile, programFile } from '../../shared/own-files.ts'
import { CODE_FORMATS, HandlerCode, importKey, type CodeFile } from './handler-code.ts'

type ResolveSync = NonNullable<Parameters<typeof registerHooks>[0]['resolve']>
type Resolved = ReturnType<ResolveSync>

/** An import that came to nothing: by its place people find it. */
export type FailedImport = Readonly<{ from: string; specifier: string }>

/** Names a module that stands for a file while its imports are followed: they are, and it is not run. */
const FOLLOWED = '?hearsay-follows-imports'
const FOLLOWING = 'export const load = specifier => import(specifier)'
const EMPTY: Resolved = { url: 'data:text/javascript,', format: 'module', shortCircuit: true }
const OWN_NAME = 'hearsay'

type StandIn = { load(specifier: string): Promise<unknown> }

export class CodeHooks {
  /** All that this thread has been given, or has read. */
  readonly code: HandlerCode = new HandlerCode()
  /** Where what was imported last is imported: for the errors of its loading. */
  readonly #importers = new Map<string, FailedImport>()
  readonly #failed = new WeakMap<object, FailedImport>()
  #isFollowing = false

  /** From here on, imports of this thread go by it. */
  install(): void {
    registerHooks({
      resolve: (specifier, context, next) => this.#resolve(specifier, context, next),
      load: (url, context, next) => this.#load(url, context, next)
    })
  }

  /** Which import an error is about, if it is about one. */
  failedImport(error: unknown): FailedImport | undefined {
    return typeof error === 'object' && error !== null ? this.#failed.get(error) : undefined
  }

  /**
   * Reads what an import in a file leads to, and runs none of it.
   *
   * @param url of a file of the code
   */
  async follow(url: string, specifiers: readonly string[]): Promise<void> {
    this.#isFollowing = true
    try {
      const standing = (await import(url + FOLLOWED)) as StandIn
      for (const specifier of specifiers) {
        // What cannot be found fails where it is run, if it ever is.
        await standing.load(this.#placeOf(url, specifier)).catch(() => {})
      }
    } finally {
      this.#isFollowing = false
    }
  }

  /** `require` finds files by less than their names. */
  #placeOf(url: string, specifier: string): string {
    if (this.code.files.get(url)?.format.startsWith('commonjs') !== true) return specifier
    try {
      const found = createRequire(url).resolve(specifier)
      return isAbsolute(found) ? pathToFileURL(found).href : specifier
    } catch {
      return specifier
    }
  }

  #resolve(
    specifier: string,
    context: Parameters<ResolveSync>[1],
    next: Parameters<ResolveSync>[2]
  ): Resolved {
    if (specifier === OWN_NAME) {
      const own: Resolved = { url: programFile('index').href, shortCircuit: true }
      return this.#isFollowing ? EMPTY : own
    }
    if (specifier.endsWith(FOLLOWED)) return standIn(specifier)
    const from = context.parentURL?.replace(FOLLOWED, '')
    const key = importKey(from, specifier, context.conditions)
    const known = this.code.files.has(specifier) ? specifier : this.code.imports.get(key)
    const file = known === undefined ? undefined : this.code.files.get(known)
    const resolved: Resolved =
      known === undefined || file === undefined
        ? this.#search(specifier, { ...context, parentURL: from }, next)
        : { url: known, format: file.format, shortCircuit: true }
    const { url } = resolved
    if (isOwnCode(url)) this.code.imports.set(key, url)
    if (from !== undefined) this.#importers.set(url, { from, specifier })
    if (!this.#isFollowing) return resolved
    return isOwnCode(url) ? standIn(url + FOLLOWED) : EMPTY
  }

  #search(
    specifier: string,
    context: Parameters<ResolveSync>[1],
    next: Parameters<ResolveSync>[2]
  ): Resolved {
    try {
      return next(specifier, context)
    } catch (error) {
      if (context.parentURL !== undefined) {
        this.#note(error, { from: context.parentURL, specifier })
      }
      throw error
    }
  }

  #load(
    url: string,
    context: LoadHookContext,
    next: (url: string, context?: Partial<LoadHookContext>) => LoadFnOutput
  ): LoadFnOutput {
    if (url.endsWith(FOLLOWED)) {
      this.#read(url.slice(0, -FOLLOWED.length), next)
      return { format: 'module', source: FOLLOWING, shortCircuit: true }
    }
    const known = this.code.files.get(url)
    if (known !== undefined) {
      return { format: known.format, source: known.text, shortCircuit: true }
    }
    try {
      const found = next(url, context)
      if (isOwnCode(url)) this.#keep(url, found)
      return found
    } catch (error) {
      const importer = this.#importers.get(url)
      if (importer !== undefined) this.#note(error, importer)
      throw error
    }
  }

  /** A file that is followed: for its own imports, and for whoever runs it later. */
  #read(
    url: string,
    next: (url: string, context?: Partial<LoadHookContext>) => LoadFnOutput
  ): void {
    if (this.code.files.has(url)) return
    if (url.endsWith('.json')) {
      this.code.files.set(url, { format: 'json', text: readFileSync(new URL(url), 'utf8') })
    } else {
      this.#keep(url, next(url, { format: undefined, importAttributes: {} }))
    }
  }

  #keep(url: string, { format, source }: LoadFnOutput): void {
    if (!isCodeFormat(format)) return
    const text = source ?? readFileSync(new URL(url))
    this.code.files.set(url, {
      format,
      text: typeof text === 'string' ? text : new TextDecoder().decode(text)
    })
  }

  #note(error: unknown, at: FailedImport): void {
    if (typeof error === 'object' && error !== null) this.#failed.set(error, at)
  }
}

function standIn(url: string): Resolved {
  return { url, format: 'module', shortCircuit: true }
}

function isCodeFormat(format: string | null | undefined): format is CodeFile['format'] {
  return (CODE_FORMATS as readonly unknown[]).includes(format)
}

/** Whether somebody who writes handlers may be at work on it. */
function isOwnCode(url: string): boolean {
  return url.startsWith('file:') && !url.includes('/node_modules/') && !isProgramFile(url)
}
