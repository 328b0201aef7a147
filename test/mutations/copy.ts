/** A copy of this tree, in which mistakes are planted: the tree itself is never touched. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mistake } from './mistake.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const COPIED = ['src', 'test', 'config', 'bin', 'package.json', 'tsconfig.json', 'README.md']
/** A mistake may keep a test from ending, which is noticed too. Guess: far above what any tests take that are run here. */
const TESTS_MS_MAX = 900_000

export class Copy {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async make(): Promise<Copy> {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-copy-'))
    const copy = new Copy(folder)
    try {
      for (const part of COPIED) await cp(join(root, part), join(folder, part), { recursive: true })
      await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    } catch (error) {
      await copy.remove()
      throw error
    }
    return copy
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Whether any of these tests fails, or never ends, with the mistake in place. It is gone again afterwards. */
  async isNoticed([, file, find, replace]: Mistake, tests: readonly string[]): Promise<boolean> {
    const path = join(this.#folder, 'src', file)
    const whole = await readFile(path, 'utf8')
    await writeFile(
      path,
      whole.replace(find, () => replace)
    )
    try {
      return !(await this.passes(tests))
    } finally {
      await writeFile(path, whole)
    }
  }

  /** Runs test files until the first one fails. */
  async passes(tests: readonly string[]): Promise<boolean> {
    const vitest = join(this.#folder, 'node_modules/vitest/vitest.mjs')
    const asked = ['--maxWorkers', '1', '--bail', '1']
    const args = [vitest, 'run', '--config', 'config/tools/vitest.config.ts', ...asked, ...tests]
    const child = spawn(process.execPath, args, {
      cwd: this.#folder,
      stdio: 'ignore',
      timeout: TESTS_MS_MAX,
      killSignal: 'SIGKILL'
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    return code === 0
  }
}
