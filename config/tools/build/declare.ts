/**
 * The types of what the package exports, each source by itself: `isolatedDeclarations` holds that this suffices. Of
 * sources that none of the exported types leads to there are none.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.NodeNext,
  isolatedDeclarations: true
}

/** @param entries paths in `src`, as all that they lead to */
export async function declare(
  src: string,
  entries: readonly string[],
  folder: string
): Promise<void> {
  const found = new Set(entries)
  for (const path of found) {
    const text = declarationOf(path, await readFile(join(src, path), 'utf8'))
    const { importedFiles } = ts.preProcessFile(text)
    const own = importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    for (const { fileName } of own) found.add(normalize(join(dirname(path), fileName)))
    const file = join(folder, path.replace(/\.ts$/, '.d.ts'))
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, withEndings(text, own))
  }
}

function declarationOf(fileName: string, source: string): string {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(source, {
    fileName,
    compilerOptions
  })
  const [first] = diagnostics
  if (first === undefined) return withoutTwins(outputText)
  throw new Error(`${fileName}: ${ts.flattenDiagnosticMessageText(first.messageText, '\n')}`)
}

/** TypeScript 6.0 writes a method that has a symbol for a name twice: as a property first, without its comment. */
function withoutTwins(text: string): string {
  return text.replace(/^ *(\[Symbol\.\w+\]): .*\n/gm, (line, name: string) =>
    text.includes(`${name}(`) ? '' : line
  )
}

/** `./node.ts` is `./node.js` for those who import what was built. From the last one on, so that places stay. */
function withEndings(text: string, imports: readonly ts.FileReference[]): string {
  return imports.toReversed().reduce((so, { fileName, end }) => {
    const start = so.lastIndexOf(fileName, end)
    return so.slice(0, start) + fileName.replace(/\.ts$/, '.js') + so.slice(start + fileName.length)
  }, text)
}
