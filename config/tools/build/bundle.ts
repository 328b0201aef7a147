/**
 * The chunks of a build, with source maps: what is loaded together is in one file.
 *
 * They are not minified: measured, that would spare neither time nor memory, as V8's compiled code is kept, and what a
 * stack says could not be read.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rolldown, type OutputOptions } from 'rolldown'

type SourceMap = { sources: string[]; sourcesContent: (string | null)[] }

/** Programs and modules that are started or imported by name, all in one folder: see src/shared/own-files.ts. */
const input = {
  index: 'src/index.ts',
  sim: 'src/sim/index.ts',
  cli: 'src/cli/main.ts',
  worker: 'src/run/threads/worker.ts',
  starter: 'src/run/commands/starter.ts',
  handlers: 'src/demo/handlers.ts'
}
/** The first looks for its compiled part beside itself; the second is the program's own, if it has one. */
const external = ['classic-level', '@opentelemetry/api']

/** @returns the files of packages that are in the chunks */
export async function bundle(root: string, folder: string): Promise<Set<string>> {
  const bundle = await rolldown({
    cwd: root,
    input,
    external,
    platform: 'node',
    tsconfig: false,
    preserveEntrySignatures: 'strict',
    onLog(_level, log) {
      throw new Error(`${log.message}\nwhatever rolldown says is a fault of the build`)
    }
  })
  try {
    const { output } = await bundle.generate(outputTo(folder))
    for (const one of output) {
      await writeFile(
        join(folder, one.fileName),
        one.type === 'chunk' ? inAscii(one.code) : withoutForeignText(one.source)
      )
    }
    const files = output.flatMap(one => (one.type === 'chunk' ? one.moduleIds : []))
    return new Set(files.filter(isForeign))
  } finally {
    await bundle.close()
  }
}

function outputTo(dir: string): OutputOptions {
  return {
    dir,
    format: 'esm',
    chunkFileNames: '[name].js',
    comments: { legal: true, annotation: false, jsdoc: false },
    sourcemap: true
  }
}

/**
 * V8 keeps the text of what it runs, with two bytes for each character as soon as one of them is beyond Latin-1: the
 * few that there are, all in texts, cost a node 2 MiB.
 */
function inAscii(code: string): string {
  return code.replace(
    /[^\0-\x7f]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}

/** The text of our own sources is nowhere else in a package; that of others is in theirs. @param json a source map */
function withoutForeignText(json: string | Uint8Array): string {
  const map = JSON.parse(String(json)) as SourceMap
  const sourcesContent = map.sources.map((source, index) =>
    isForeign(source) ? null : map.sourcesContent[index]
  )
  return JSON.stringify({ ...map, sourcesContent })
}

function isForeign(path: string): boolean {
  return path.includes('/node_modules/')
}
