/**
 * Why code could not be loaded, with the place: file, line and column. Node says it in as many ways as there are reasons.
 *
 * Of a module that cannot be parsed Node tells the place to whoever runs it from a shell, and to nobody else: such a
 * file is found by having Node check it (`checkSyntax`).
 */
import { execFile } from 'node:child_process'
import { isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe } from '../description.ts'
import type { CodeHooks, FailedImport } from './code-hooks.ts'

export type LoadFailure = Readonly<{
  why: string
  /** Paths of modules, of which one cannot be parsed. @default none: the place is in `why`, or is nowhere */
  suspects?: readonly string[]
}>

type Place = Readonly<{ file: string; line: number; column: number | null }>

/** First line of a stack, as of what cannot be parsed: `file:///x/a.ts:3`, `/x/a.cjs:3`. */
const HEAD = /^(file:\/\/\S+|\/\S*):(\d+)$/
/** Below it, the line in question, and then where in it. */
const POINTER = /^( *)\^+ *$/
const FRAME = /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^():]*):(\d+):(\d+)\)?$/
const JSON_PLACE = /^(\/[^:]+): .*\(line (\d+) column (\d+)\)/
/** Of a token that may not stand where it does, the place is not told. */
const UNEXPECTED = /^Unexpected token/
const JSON_FILE = /^(\/[^:]+): Unexpected token/
/** Parses a module and does not run it. `--check` would take the types of TypeScript for mistakes. */
const PARSER = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  '--input-type=commonjs',
  '--eval',
  `const [, file] = process.argv
  const text = require('node:fs').readFileSync(file, 'utf8')
  const { stripTypeScriptTypes } = require('node:module')
  const code = /\\.[cm]?ts$/.test(file) ? stripTypeScriptTypes(text) : text
  new (require('node:vm').SourceTextModule)(code, { identifier: file })`
]
/** Guess: a check takes 50 ms, on a computer that is busy with other things a second. */
const CHECK_MS = 10_000

/** @param hooks of the thread in which the code was loaded */
export function loadFailure(error: unknown, hooks: CodeHooks): LoadFailure {
  const { name, message } = describe(error)
  const why = `${name}: ${message}`
  const place = placeOf(error, hooks)
  if (place !== null) return { why: withPlace(why, place) }
  const isSyntax = error instanceof SyntaxError
  const modules = [...hooks.code.files].filter(([, { format }]) => format.startsWith('module'))
  return isSyntax ? { why, suspects: modules.map(([url]) => fileURLToPath(url)) } : { why }
}

/** The same, with the place in the first of the suspects that Node cannot parse. */
export async function withSyntaxPlace({ why, suspects = [] }: LoadFailure): Promise<string> {
  for (const file of suspects) {
    const place = await checkSyntax(file)
    if (place !== null) return withPlace(why, place)
  }
  return why
}

function withPlace(why: string, { file, line, column }: Place): string {
  return `${why} (at ${file}:${line}${column === null ? '' : `:${column}`})`
}

function placeOf(error: unknown, hooks: CodeHooks): Place | null {
  const { stack, message } = error instanceof Error ? error : { stack: '', message: '' }
  const lines = (stack ?? '').split('\n')
  return (
    placeAbove(lines) ??
    placeOfImport(hooks.failedImport(error) ?? failedRequire(error), hooks) ??
    placeInJson(message, hooks) ??
    placeInFrames(lines, hooks)
  )
}

/** What Node tells of a `require` that found nothing. */
function failedRequire(error: unknown): FailedImport | null {
  const { requireStack, message = '' } = (error ?? {}) as {
    requireStack?: string[]
    message?: string
  }
  const specifier = /^Cannot find module '([^']+)'/.exec(message)?.[1]
  const from = requireStack?.[0]
  if (specifier === undefined || from === undefined) return null
  return { from: pathToFileURL(from).href, specifier }
}

/** Where the specifier stands in the file that imports it. */
function placeOfImport(failed: FailedImport | null, { code }: CodeHooks): Place | null {
  if (failed === null) return null
  const { from, specifier } = failed
  const text = code.files.get(from)?.text ?? ''
  const found = [`'${specifier}'`, `"${specifier}"`, `\`${specifier}\``].map(it => text.indexOf(it))
  const at = Math.min(...found.map(index => (index < 0 ? Infinity : index)))
  if (at === Infinity) return null
  const before = text.slice(0, at).split('\n')
  return { file: pathOf(from), line: before.length, column: before.at(-1)!.length + 1 }
}

/** What Node writes above the name of an error. */
function placeAbove(lines: readonly string[]): Place | null {
  const [, file, line] = HEAD.exec(lines[0] ?? '') ?? []
  if (file === undefined) return null
  const pointer = lines.map(text => POINTER.exec(text)).find(found => found !== null)
  const column = pointer?.[1] === undefined ? null : pointer[1].length + 1
  return { file: pathOf(file), line: Number(line), column }
}

function placeInJson(message: string, { code }: CodeHooks): Place | null {
  const [, file, line, column] = JSON_PLACE.exec(message) ?? []
  if (file !== undefined) return { file, line: Number(line), column: Number(column) }
  const [, other] = JSON_FILE.exec(message) ?? []
  const text = other && code.files.get(pathToFileURL(other).href)?.text
  if (!other || !text) return null
  const before = text.slice(0, unexpectedAt(text)).split('\n')
  return { file: other, line: before.length, column: before.at(-1)!.length + 1 }
}

/** Where JSON has a token that may not stand there: V8 reads from the left, so it is the end of the shortest start that it refuses. */
function unexpectedAt(json: string): number {
  let [accepted, refused] = [0, json.length]
  while (refused - accepted > 1) {
    const middle = (accepted + refused) >> 1
    if (isUnexpected(json.slice(0, middle))) refused = middle
    else accepted = middle
  }
  return refused - 1
}

/** Whether something is wrong other than that it ends too early. */
function isUnexpected(json: string): boolean {
  try {
    JSON.parse(json)
    return false
  } catch (error) {
    return UNEXPECTED.test((error as Error).message)
  }
}

/** What threw while it was loaded: the first of the user's own files, or else of packages. */
function placeInFrames(lines: readonly string[], { code }: CodeHooks): Place | null {
  const frames = lines.flatMap(text => {
    const [, file, line, column] = FRAME.exec(text) ?? []
    if (file === undefined) return []
    return [{ file: pathOf(file), line: Number(line), column: Number(column) }]
  })
  const own = new Set([...code.files.keys()].map(pathOf))
  return frames.find(({ file }) => own.has(file)) ?? null
}

function pathOf(file: string): string {
  return isAbsolute(file) ? file : fileURLToPath(file)
}

/** Where a module cannot be parsed; null if it can, or Node does not say. */
function checkSyntax(file: string): Promise<Place | null> {
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [...PARSER, file],
      { timeout: CHECK_MS },
      (_error, _stdout, stderr) => {
        resolve(placeAbove(stderr.split('\n')))
      }
    )
  })
}
