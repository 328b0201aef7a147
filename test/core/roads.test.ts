/**
 * The way into the core for a reader: the page names the files of each road and says how many they are. A file that has
 * moved, or one road that has grown, is to be seen there.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const source = fileURLToPath(new URL('../../src/', import.meta.url))
const page = readFileSync(`${source}core/README.md`, 'utf8')
const section = page.split('## The road of a task')[1]!.split('\n## ')[0]!
const roads = [...section.matchAll(/\*\*([^*]+)\*\*, (\d+) files([^]*?)(?=\n\n|$)/gu)].map(
  ([, name, count, text]) => ({ name: name!, count: Number(count), text: text! })
)

/** Where a file stands that the page names as the core does, or from the top. */
function fileOf(path: string): string | undefined {
  const named = path.endsWith('.ts') ? path : `${path}.ts`
  return [`core/${named}`, named].find(file => existsSync(source + file))
}

/**
 * The files that a road names, in order: a folder with its files in brackets, or one file. A name without its folder is
 * one that this road, or one before it, has named with it.
 */
function filesOf(text: string, known: ReadonlySet<string>): Set<string> {
  const found = new Set<string>()
  for (const [, path, files] of text.matchAll(/`([\w./-]+)`(?:\s\(([^`)]*)\))?/gu)) {
    const named = files === undefined ? [path!] : files.split(/,\s+/u).map(file => path! + file)
    for (const name of named) {
      const again = [...found, ...known].find(file => basename(file, '.ts') === name)
      found.add(again ?? fileOf(name) ?? `${name}: no such file`)
    }
  }
  return found
}

test('the page of the core tells four roads of a task', () => {
  expect(roads.map(({ name }) => name)).toEqual([
    'Submit to acknowledged',
    'Submitted where no slot is free',
    'Message to replica',
    'Outcome to waiter'
  ])
})

test('every road names files that are there, and says how many', () => {
  const submit = filesOf(roads[0]!.text, new Set())
  const said = roads.map(({ name, text }) => {
    const files = filesOf(text, submit)
    const more = name.includes('no slot')
      ? [...files].filter(file => !submit.has(file))
      : [...files]
    return { name, more }
  })
  expect(said.flatMap(({ more }) => more.filter(file => file.includes('no such')))).toEqual([])
  expect(said.map(({ name, more }) => [name, more.length])).toEqual(
    roads.map(({ name, count }) => [name, count])
  )
})
