/**
 * Plants one mistake after the other (test/mutations) in a copy of this tree, and runs the tests that should notice: the
 * core's, then the simulator's.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mistake } from '../mutations/mistake.ts'
import { MISTAKES } from '../mutations/table.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const COPIED = ['src', 'test', 'config', 'bin', 'package.json', 'tsconfig.json', 'README.md']
/** The cheaper ones first. */
const STAGES: readonly (readonly [name: string, ...files: string[]])[] = [
  ['core', 'test/core'],
  ['simulator', 'test/sim/seeds.test.ts', 'test/sim/scenarios.test.ts', 'test/sim/blobs.test.ts']
]
/** A mistake may keep a test from ending, which is noticed too. Guess: far above what a stage takes. */
const STAGE_MS_MAX = 900_000

/** @param names of mistakes. @default all. Resolves to whether all of them were noticed */
export async function mutants(names: readonly string[]): Promise<boolean> {
  const unknown = names.filter(name => !MISTAKES.some(([known]) => known === name))
  if (unknown.length > 0) {
    console.log(`there are no mistakes called ${unknown.join(', ')}: see test/mutations`)
    return false
  }
  const chosen = MISTAKES.filter(([name]) => names.length === 0 || names.includes(name))
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-mutants-'))
  const survivors: string[] = []
  try {
    for (const part of COPIED) await cp(join(root, part), join(folder, part), { recursive: true })
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    for (const mistake of chosen) {
      const by = await noticedBy(folder, mistake)
      const [name, file, , , is] = mistake
      console.log(`${by === null ? 'SURVIVED' : `noticed (${by})`}  ${name}  ${file}: ${is}`)
      if (by === null) survivors.push(name)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  console.log(`${chosen.length - survivors.length} of ${chosen.length} mistakes were noticed`)
  return survivors.length === 0
}

/** The first stage that fails with the mistake in place; null if none does. */
async function noticedBy(
  folder: string,
  [, file, find, replace, , tests]: Mistake
): Promise<string | null> {
  const path = join(folder, 'src', file)
  const whole = await readFile(path, 'utf8')
  await writeFile(
    path,
    whole.replace(find, () => replace)
  )
  try {
    for (const [stage, ...files] of tests === undefined ? STAGES : [['tests', ...tests]]) {
      if (!(await passes(folder, files))) return stage
    }
    return null
  } finally {
    await writeFile(path, whole)
  }
}

async function passes(folder: string, files: readonly string[]): Promise<boolean> {
  const vitest = join(folder, 'node_modules/vitest/vitest.mjs')
  const asked = ['--maxWorkers', '1', '--bail', '1', '--silent']
  const args = [vitest, 'run', '--config', 'config/tools/vitest.config.ts', ...asked, ...files]
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: 'ignore',
    timeout: STAGE_MS_MAX,
    killSignal: 'SIGKILL'
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}
