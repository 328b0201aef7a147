/** The files of the page, in memory: what is asked for is looked up in a map, never on the disk. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

export type PageFile = Readonly<{ type: string; body: Buffer; gzipped: Buffer }>
/** By the path in the address, such as `/assets/main.js`; the page itself is `/index.html`. */
export type PageFiles = ReadonlyMap<string, PageFile>

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml'
}

/** @throws Error if there is no page in the folder, or something that is no part of a page */
export async function loadPage(folder: string): Promise<PageFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => {
    throw new Error(`there is no page in ${folder}: "npm run build" makes it`)
  })
  const files = entries.filter(entry => entry.isFile())
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name }): Promise<[string, PageFile]> => {
        const full = join(parentPath, name)
        const type = TYPES[name.split('.').at(-1) ?? '']
        if (type === undefined) throw new Error(`${full} is no file of a page: build it anew`)
        const body = await readFile(full)
        const gzipped = await promisify(gzip)(body, { level: 9 })
        return [full.slice(folder.length).replaceAll('\\', '/'), { type, body, gzipped }]
      })
    )
  )
}
