/** The rounds of test/chaos/kill-all.test.ts, as many as are asked for. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export async function killAll(rounds: number): Promise<boolean> {
  const vitest = ['vitest', 'run', '--config', 'config/tools/vitest.config.ts']
  const only = ['test/chaos/kill-all.test.ts', '-t', 'all six killed']
  const child = spawn('npx', [...vitest, ...only], {
    stdio: 'inherit',
    env: { ...process.env, CHAOS_ROUNDS: String(rounds) }
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}
