/**
 * What earlier versions have left: for each a data folder, a state file, and what that version said of both, below
 * fixtures/COMMIT (see fixtures/make.ts).
 */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { NodeOptions, TaskView } from '../../src/index.ts'

const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url))

/** Commits of the versions of which something is kept. */
export const versions: readonly string[] = readdirSync(fixtures).filter(name =>
  /^[0-9a-f]{7,}$/.test(name)
)

/** What the journal of that version gave back, a value at a time. */
export type Replayed = Readonly<Record<string, unknown[]>>

export class Kept {
  readonly #folder: string

  constructor(version: string) {
    this.#folder = join(fixtures, version)
  }

  /** Of the node that kept it, for a data folder at this place. */
  options(data: string): NodeOptions {
    return {
      key: readFileSync(join(this.#folder, 'key'), 'utf8').trim(),
      cluster: 'fixture',
      computer: 'computer-a',
      instance: 1,
      data,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      mdns: false,
      logLevel: 'silent'
    }
  }

  async unpackData(to: string): Promise<void> {
    await mkdir(to, { recursive: true })
    await promisify(execFile)('tar', ['-xzf', join(this.#folder, 'data.tar.gz'), '-C', to])
  }

  async unpackState(to: string): Promise<void> {
    await writeFile(to, gunzipSync(readFileSync(join(this.#folder, 'state.json.gz'))))
  }

  /** As `ls` printed them. */
  get tasks(): TaskView[] {
    return this.#lines('tasks.ndjson') as TaskView[]
  }

  get replayed(): Replayed {
    const found: Record<string, unknown[]> = {}
    for (const line of this.#lines('replay.ndjson')) {
      for (const [name, value] of Object.entries(line as object)) (found[name] ??= []).push(value)
    }
    return found
  }

  #lines(file: string): unknown[] {
    const text = readFileSync(join(this.#folder, file), 'utf8')
    return text
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
  }
}
