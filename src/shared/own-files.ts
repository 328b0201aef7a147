/**
 * Where files of hearsay itself lie. As sources each is in its folder of src/; the built ones are all in one folder of
 * dist/ (config/tools/build.ts), two below the top of the package, which is where this file is found in both.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

const isSource = import.meta.url.endsWith('.ts')

/** What another thread or process is to run: built if this file is. @param source its path in src/, without the ending */
export function programFile(source: string): URL {
  const file = isSource ? `../${source}.ts` : `./${basename(source)}.js`
  return new URL(file, import.meta.url)
}

/** A file of the package that is not built. @param path from its top */
export function packageFile(path: string): URL {
  return new URL(`../../${path}`, import.meta.url)
}

/** All of the program: its sources, or every build of it. */
const program = packageFile(isSource ? 'src/' : 'dist/').href

/** Whether it is a part of hearsay itself. @param url of a file */
export function isProgramFile(url: string): boolean {
  return url.startsWith(program)
}

/** A folder of a build, beside its programs. As sources there is none, and the path leads nowhere. */
export function builtFolder(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url))
}

/** The version in package.json. */
export function packageVersion(): string {
  const text = readFileSync(packageFile('package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
