/**
 * The code of the handlers that a node runs: its text as it was read at the start, or by the last reload.
 *
 * Threads come and go, and each of them loads the handlers. If they read the files then, an edit half done, a
 * `git checkout` or a build would be run by some and not by others. So the files are read once and given to every thread.
 * What is below `node_modules` is installed, and changes as a whole: it stays on disk. So does what is not code.
 */

/** How Node is to understand a text. */
export const CODE_FORMATS = [
  'module',
  'commonjs',
  'json',
  'module-typescript',
  'commonjs-typescript'
] as const

export type CodeFile = Readonly<{ format: (typeof CODE_FORMATS)[number]; text: string }>

/** What was read, for other threads. */
export type ReadCode = Readonly<{
  /** By URL. */
  files: ReadonlyMap<string, CodeFile>
  /** Where an import leads: the URL of the file that it is in and its specifier, see `importKey`, to a URL of `files`. */
  imports: ReadonlyMap<string, string>
}>

/** Guess: more is no code of somebody's own. Each thread has it in memory. */
export const CODE_BYTES_MAX: number = 64 * 2 ** 20
/** Guess, as above. */
export const CODE_FILES_MAX = 10_000

/** `import` and `require` of one specifier may lead to two files. */
export function importKey(
  from: string | undefined,
  specifier: string,
  conditions: readonly string[]
): string {
  return `${conditions.includes('require') ? 'require' : 'import'} ${from} ${specifier}`
}

/** One version of the handlers: all that its threads load is in it. It grows when a program registers a file more. */
export class HandlerCode implements ReadCode {
  readonly files: Map<string, CodeFile> = new Map()
  readonly imports: Map<string, string> = new Map()

  /** What was read first stays: other threads have it already. */
  add({ files, imports }: ReadCode): void {
    for (const [url, file] of files) if (!this.files.has(url)) this.files.set(url, file)
    for (const [key, url] of imports) if (!this.imports.has(key)) this.imports.set(key, url)
  }
}
