/**
 * Where in its sources something of hearsay happened: the stack of an error names the place in a built file, which has
 * the code of many sources.
 *
 * Node itself would tell (`--enable-source-maps`), but reads the map of each file that it loads: measured, 80 ms more
 * for a start, and 16 MiB for as long as a node runs. Here a map is read when there is something to look up in it.
 */
import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'

/** Of this build. */
const folder = new URL('.', import.meta.url)
/** `file:///x/dist/0123456789ab/client.js:12:34` */
const PLACE = /(file:\S*\/)([\w.-]+\.js):(\d+):(\d+)/g

const maps = new Map<string, SourceMap | null>()

/** A stack, with places in sources instead of those in built files. As it is, if hearsay is run from its sources. */
export function inSources(stack: string): string {
  return stack.replace(PLACE, (place, path: string, file: string, line: string, column: string) => {
    const map = path === folder.href ? mapOf(file) : null
    const origin = map?.findOrigin(Number(line), Number(column))
    if (origin === undefined || !('fileName' in origin)) return place
    const { href } = new URL(origin.fileName, folder)
    return `${href}:${origin.lineNumber}:${origin.columnNumber}`
  })
}

function mapOf(file: string): SourceMap | null {
  const known = maps.get(file)
  if (known !== undefined) return known
  const map = read(file)
  maps.set(file, map)
  return map
}

/** Null if it cannot be read, so that an error is told all the same. */
function read(file: string): SourceMap | null {
  try {
    const text = readFileSync(new URL(`${file}.map`, folder), 'utf8')
    return new SourceMap(JSON.parse(text) as ConstructorParameters<typeof SourceMap>[0])
  } catch {
    return null
  }
}
