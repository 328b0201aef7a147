/** Runs tests of this project in a process of their own, with more asked of them than in CI. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** @param only files, and flags of vitest. Resolves to whether all of them passed. */
export async function runTests(
  only: readonly string[],
  asked: NodeJS.ProcessEnv
): Promise<boolean> {
  const vitest = ['vitest', 'run', '--config', 'config/tools/vitest.config.ts']
  const child = spawn('npx', [...vitest, ...only], {
    stdio: 'inherit',
    env: { ...process.env, ...asked }
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}
