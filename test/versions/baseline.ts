/**
 * The first version whose nodes are members of one cluster with those of all later ones: its sources, checked out beside
 * ours for as long as a test needs them.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Its commit. */
export const BASELINE = 'a5d64c22d665'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** Also for a checkout that belongs to another user than the one who tests. */
const git = (...args: string[]): string[] => ['-c', 'safe.directory=*', '-C', root, ...args]

/** Why that version cannot be had here, in words for a skipped test; null if it can. */
export function baselineUnavailable(): string | null {
  const found = spawnSync('git', git('cat-file', '-e', `${BASELINE}^{tree}`), { encoding: 'utf8' })
  if (found.error) return 'there is no `git` here'
  if (found.status === 0) return null
  return `the history with ${BASELINE} is missing here: ${found.stderr.trim()}`
}

/** A tree of sources that can be run. */
export type Tree = Readonly<{ root: string; remove(): Promise<void> }>

/** The tree that this test stands in. */
export const today: Tree = { root, remove: async () => {} }

/** Checks the version out, with what it depends on. */
export async function checkOut(): Promise<Tree> {
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-baseline-'))
  const tree = join(folder, 'tree')
  const remove = async (): Promise<void> => {
    await run('git', git('worktree', 'remove', '--force', tree)).catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await run('git', git('worktree', 'add', '--detach', tree, BASELINE))
    await addModules(tree)
    return { root: tree, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Ours, if it depends on the same. */
async function addModules(tree: string): Promise<void> {
  const [theirs, ours] = await Promise.all(
    [tree, root].map(folder => readFile(join(folder, 'package-lock.json'), 'utf8'))
  )
  if (theirs === ours) return symlink(join(root, 'node_modules'), join(tree, 'node_modules'))
  console.warn(`${BASELINE} depends on other packages than we do: they are installed for it`)
  const quietly = ['--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
  await run('npm', ['ci', ...quietly], { cwd: tree })
}
