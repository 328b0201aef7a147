/** The licences of packages, as these ask of whoever passes on what is theirs. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

type Package = Readonly<{ name: string; version: string; license?: string }>

/** @param files of packages */
export function licences(files: Iterable<string>): string {
  const folders = new Set([...files].map(folderOf))
  const texts = [...folders].map(textOf).sort((a, b) => (a < b ? -1 : 1))
  const head = 'The files beside this one contain parts of these packages.\n'
  return [head, ...texts].join(`\n${'-'.repeat(80)}\n\n`)
}

/** `/x/node_modules/@a/b/src/c.js` -> `/x/node_modules/@a/b` */
function folderOf(file: string): string {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)![0]
}

function textOf(folder: string): string {
  const { name, version, license } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8')
  ) as Package
  const files = readdirSync(folder).filter(file => /^(licen[cs]e|notice|copying)/i.test(file))
  if (license === undefined && files.length === 0) {
    throw new Error(`${name} ${version} has no licence: it cannot be in the build`)
  }
  const texts = files.sort().map(file => readFileSync(join(folder, file), 'utf8').trim())
  return [`${name} ${version}, ${license ?? 'see below'}`, ...texts, ''].join('\n\n')
}
