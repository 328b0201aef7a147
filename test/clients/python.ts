/** Programs in Python, as users write them: with the client beside them, and a node on this computer. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const clients = fileURLToPath(new URL('../../config/clients/python', import.meta.url))
const running: Python[] = []

/** Whether there is a Python here that the client is for. */
export function hasPython(): boolean {
  const check = 'import sys; sys.exit(sys.version_info < (3, 9))'
  return spawnSync('python3', ['-c', check]).status === 0
}

export class Python {
  readonly process: ChildProcess
  stdout = ''
  stderr = ''
  readonly #ended: Promise<number | null>

  /** @param env beside that of the tests */
  constructor(program: string, env: Readonly<Record<string, string>> = {}) {
    this.process = spawn('python3', ['-u', '-c', program], {
      env: { ...process.env, PYTHONPATH: clients, PYTHONDONTWRITEBYTECODE: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.process.stdout!.on('data', (piece: Buffer) => (this.stdout += piece.toString()))
    this.process.stderr!.on('data', (piece: Buffer) => (this.stderr += piece.toString()))
    this.#ended = once(this.process, 'close').then(([code]) => code as number | null)
    running.push(this)
  }

  /** The exit code, once it has ended. */
  ended(): Promise<number | null> {
    return this.#ended
  }

  /** What it prints, a value of JSON. @throws Error with what it says, if it fails */
  async json<T>(): Promise<T> {
    const code = await this.#ended
    if (code !== 0) throw new Error(`the program ended with ${code}: ${this.stderr}`)
    return JSON.parse(this.stdout) as T
  }
}

/** Ends all that still run. */
export async function endPrograms(): Promise<void> {
  for (const program of running.splice(0)) {
    program.process.kill('SIGKILL')
    await program.ended()
  }
}
