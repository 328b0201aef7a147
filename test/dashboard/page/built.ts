/** Where the page is that the last build has made. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const dist = new URL('../../../dist/', import.meta.url)

export async function builtPage(): Promise<string> {
  const [, build = ''] =
    /'\.\/([0-9a-f]+)\//.exec(await readFile(new URL('cli.js', dist), 'utf8')) ?? []
  return fileURLToPath(new URL(`${build}/dashboard`, dist))
}
