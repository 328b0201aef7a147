/** How soon an agent has an answer: from the start of `hearsay mcp` to its answer to `initialize`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { figure, type Row } from './figures.ts'
import { usageOf } from './usage.ts'

const program = fileURLToPath(new URL('../../bin/hearsay.js', import.meta.url))
/** What the disk has to be asked for is in memory from then on. */
const WARMING_RUNS = 2

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1' }
  }
})

export async function mcp(say: (text: string) => void, reps: number): Promise<Row[]> {
  const times: { ms: number; cpuMs: number }[] = []
  for (let i = 1; i <= WARMING_RUNS + reps; i++) {
    const took = await answered()
    if (i > WARMING_RUNS) times.push(took)
    say(`start ${i} of ${WARMING_RUNS + reps}: ${Math.round(took.ms)} ms`)
  }
  return [
    {
      starts: reps,
      'ms to the answer': figure(times.map(({ ms }) => ms)),
      'CPU ms': figure(times.map(({ cpuMs }) => cpuMs))
    }
  ]
}

async function answered(): Promise<{ ms: number; cpuMs: number }> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [program, 'mcp'], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.write(`${INITIALIZE}\n`)
  let text = ''
  child.stdout.setEncoding('utf8')
  while (!text.includes('\n')) text += String((await once(child.stdout, 'data'))[0])
  const ms = performance.now() - startedAt
  const { cpuMs } = await usageOf(child.pid!)
  if (!text.includes('"serverInfo"')) throw new Error(`it answered ${text}`)
  child.stdin.end()
  await once(child, 'exit')
  return { ms, cpuMs }
}
