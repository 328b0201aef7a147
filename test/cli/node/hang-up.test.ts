/** SIGHUP says three things, and what it says depends on how the node was started. */
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HangUp } from '../../../src/cli/node/hang-up.ts'

const program = fileURLToPath(new URL('../../../bin/hearsay.js', import.meta.url))
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hang-up-'))
  // In place of Node: tells what it is started with.
  await writeFile(join(folder, 'node'), '#!/bin/sh\necho "$_HEARSAY_SIGHUP" "$2"\n', {
    mode: 0o755
  })
})
afterEach(() => rm(folder, { recursive: true }))

describe('the shell that starts the program', () => {
  test.each([
    ['a node under nohup', 'nohup "$0" start', 'ignored start'],
    ['a node where the signal is ignored', `trap '' HUP; exec "$0" start`, 'ignored start'],
    ['a node', 'exec "$0" start', ' start'],
    ['a node where others are ignored', `trap '' INT TERM; exec "$0" start`, ' start'],
    ['any other verb', `trap '' HUP; exec "$0" ls`, ' ls']
  ])('tells %s of it', async (_, script, told) => {
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` }
    const { stdout } = await promisify(execFile)('sh', ['-c', script, program], {
      env,
      cwd: folder
    })
    expect(stdout).toBe(`${told}\n`)
  })
})

describe('a node', () => {
  test('that was started to ignore it does, and keeps that to itself', async () => {
    const env: NodeJS.ProcessEnv = { _HEARSAY_SIGHUP: 'ignored', HOME: '/' }
    expect(await new HangUp(env).meaning()).toBe('nothing')
    expect(env).toEqual({ HOME: '/' })
  })

  test('without a terminal reads anew', async () => {
    // A session of its own has no terminal.
    const url = new URL('../../../src/cli/node/hang-up.ts', import.meta.url).href
    const ask = `import { HangUp } from '${url}'; console.log(await new HangUp({}).meaning())`
    const args = ['--input-type=module', '-e', ask]
    const child = spawn(process.execPath, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit']
    })
    let said = ''
    for await (const piece of child.stdout) said += String(piece)
    expect(said).toBe('reload\n')
  })
})
