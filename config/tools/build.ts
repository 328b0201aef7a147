/**
 * Builds dist/ from src/: all that a node runs in a few files instead of 750, since looking up, reading and linking each
 * of them was most of what a start cost.
 *
 *   dist/index.js, sim.js, cli.js, and .d.ts    what package.json and bin/ name: one line each, that names a build
 *   dist/<build>/                               a build, named after what it was made of: chunks, their source maps,
 *                                               types, the page of the dashboard (dashboard/), and the licences of
 *                                               the packages that are in all of them
 *
 * A node loads chunks also while it runs: for a thread, for a scrape. So a build is never changed. It is written
 * elsewhere, moved into place as a whole, and only then named, and the last ones before it are kept. What is built
 * already is not built again.
 */
import { createHash, type Hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** Guess: no node that runs was started from an older build. */
const BUILDS_KEPT = 4
const BUILD = /^[0-9a-f]{12}$/
/** What it is called while it is written. After an hour nobody writes it any more. */
const UNFINISHED = /^\.new-/
const UNFINISHED_MS_MAX = 3_600_000

const root = fileURLToPath(new URL('../..', import.meta.url))
const dist = join(root, 'dist')
/** All that a build depends on. The last one is npm's own list of what is installed. */
const INPUTS = [
  'src',
  'config/tools',
  'package.json',
  'tsconfig.json',
  'node_modules/.package-lock.json'
]
/** Programs outside name these: their text, and that of their types. */
const ENTRIES: Readonly<Record<string, (build: string) => string>> = {
  'index.js': build => `export * from './${build}/index.js'\n`,
  'index.d.ts': build => `export * from './${build}/types/index.js'\n`,
  'sim.js': build => `export * from './${build}/sim.js'\n`,
  'sim.d.ts': build => `export * from './${build}/types/sim/index.js'\n`,
  'cli.js': build => `export * from './${build}/cli.js'\n`
}

const { values: flags } = parseArgs({ options: { alone: { type: 'boolean', default: false } } })

const id = fingerprint()
await mkdir(dist, { recursive: true })
if (!existsSync(join(dist, id))) await build()
for (const [file, text] of Object.entries(ENTRIES)) await name(file, text(id))
await (flags.alone ? removeAllElse() : removeOlder())

function fingerprint(): string {
  const hash = createHash('sha256')
  for (const input of INPUTS) addTo(hash, input)
  return hash.digest('hex').slice(0, 12)
}

function addTo(hash: Hash, path: string): void {
  const full = join(root, path)
  if (!existsSync(full)) return
  if (statSync(full).isDirectory()) {
    for (const name of readdirSync(full).sort()) addTo(hash, `${path}/${name}`)
  } else {
    const content = readFileSync(full)
    hash.update(`${path}\n${content.length}\n`).update(content)
  }
}

async function build(): Promise<void> {
  const { bundle } = await import('./build/bundle.ts')
  const { declare } = await import('./build/declare.ts')
  const { licences } = await import('./build/licences.ts')
  const { buildPage } = await import('./build/page.ts')
  const folder = join(dist, `.new-${process.pid}`)
  try {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder)
    const packages = await bundle(root, folder)
    const ofPage = await buildPage(root, join(folder, 'dashboard'))
    await writeFile(join(folder, 'THIRD-PARTY-LICENSES'), licences([...packages, ...ofPage]))
    await declare(join(root, 'src'), ['index.ts', 'sim/index.ts'], join(folder, 'types'))
    await rename(folder, join(dist, id))
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    // The same was built at the same time.
    if (!existsSync(join(dist, id))) throw error
  }
}

/** Nobody ever sees half of it. */
async function name(file: string, text: string): Promise<void> {
  const path = join(dist, file)
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return
  const written = join(dist, `.${file}-${process.pid}`)
  await writeFile(written, text)
  await rename(written, path)
}

/** The build of now counts as the newest one, also if it was made long ago. */
async function removeOlder(): Promise<void> {
  const now = Date.now()
  await utimes(join(dist, id), new Date(now), new Date(now))
  const all = await Promise.all(
    (await readdir(dist)).map(async name => ({ name, at: (await stat(join(dist, name))).mtimeMs }))
  )
  const builds = all.filter(({ name }) => BUILD.test(name)).sort((a, b) => b.at - a.at)
  const left = all.filter(({ name, at }) => UNFINISHED.test(name) && now - at > UNFINISHED_MS_MAX)
  for (const { name } of [...builds.slice(BUILDS_KEPT), ...left]) await remove(name)
}

/** As in a package. */
async function removeAllElse(): Promise<void> {
  for (const name of await readdir(dist)) if (name !== id && !(name in ENTRIES)) await remove(name)
}

async function remove(name: string): Promise<void> {
  await rm(join(dist, name), { recursive: true, force: true })
}
