/** The worker in README.md, which is curl in a shell, as printed there. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { serveFakeNode } from './api/served.ts'
import { runOf } from './run/external/runs.ts'
import { until } from './support/until.ts'

const at = serveFakeNode()

/** Below the folder that a variable names: where the node's data is. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  HEARSAY_DATA: [],
  XDG_DATA_HOME: ['hearsay', 'six-nodes', 'computer-a-1'],
  HOME: ['.local', 'share', 'hearsay', 'six-nodes', 'computer-a-1']
}

test.each(['HEARSAY_DATA', 'XDG_DATA_HOME', 'HOME'])(
  'a shell takes a task, says how far it is, and completes it: %s says where',
  async name => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, script = ''] = /^```bash\n(.*?)^```$/ms.exec(readme) ?? []
    expect(script).toContain('curl')
    const data = join(at.folder, ...FOLDERS[name]!)
    await mkdir(dirname(data), { recursive: true })
    if (data !== at.folder) await symlink(at.folder, data)
    const env = { PATH: process.env['PATH'], HOME: '/nowhere', [name]: at.folder }
    const ended = promisify(execFile)('bash', ['-euc', script], { env })
    const { work } = at.node
    await until(() => work.pool !== undefined, 'it to ask for a task')
    expect(work.pool?.types).toEqual(['shout'])
    work.start(runOf({ type: 'shout' }))
    const { stdout } = await ended
    expect(stdout).toContain('"leaseMs":60000')
    expect(work.progress).toEqual([{ fraction: 0.5, message: null }])
    expect(work.ends).toMatchObject([{ result: { status: 'completed', result: '"DONE"' } }])
  }
)
