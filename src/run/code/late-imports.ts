/**
 * Finds what handlers import only when they are run: `await import('./model.ts')` in a function. It is read at the start
 * with all else, and not run before its time.
 *
 * Only texts are looked at, and only names that are written out: what is put together by the program is not known
 * before it runs, and is read from disk then. What only looks like an import, in a comment, does no harm.
 */
import type { CodeHooks } from './code-hooks.ts'
import { importKey, type CodeFile } from './handler-code.ts'

/** `import './a'`, `export * from './a'`, `import('./a')`, `require('./a')`, also with a comment in the brackets. */
const IMPORTS =
  /\b(?:from|import|require)\s*(?:\(\s*(?:\/\*[\s\S]*?\*\/\s*)*)?(['"`])((?:\.{1,2}\/|#|[@\w])[^'"`$\\\n]*)\1/g

/** Reads all of the code's files that others lead to, and that have not been loaded. */
export async function readLateImports(hooks: CodeHooks): Promise<void> {
  const { files, imports } = hooks.code
  // Those that are found are looked at in their turn.
  for (const [url, file] of files) {
    const unknown = specifiersIn(file).filter(
      specifier =>
        !imports.has(importKey(url, specifier, [])) &&
        !imports.has(importKey(url, specifier, ['require']))
    )
    if (unknown.length > 0) await hooks.follow(url, unknown)
  }
}

function specifiersIn({ format, text }: CodeFile): string[] {
  if (format === 'json') return []
  return [...new Set(Array.from(text.matchAll(IMPORTS), found => found[2]!))]
}
