/**
 * Completion: what is offered for the last word, and that real shells make sense of it.
 */
import { execFile, spawnSync } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { serveFakeNode } from '../api/served.ts'
import { run } from './run.ts'

const at = serveFakeNode()

async function offered(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await run(['completion', 'bash', '--words', '--', ...words])
  expect([code, stderr]).toEqual([0, ''])
  return stdout.split('\n').flatMap(line => line.split('\t')[0] || [])
}

describe('the last word', () => {
  test.each([
    [['sta'], ['start', 'status', 'state']],
    [
      ['state', ''],
      ['save', 'load']
    ],
    [['state', 'save', ''], [':file']],
    [['completion', 'b'], ['bash']],
    [['ls', '--state', 'f'], ['failed']],
    [['ls', '--state=f'], ['--state=failed']],
    [['ls', '--state', '=', 'f'], ['failed']],
    [['ls', '--limit', ''], []],
    [['ls', '--state', 'failed', '--st'], []],
    [['submit', '--pri'], ['--priority']],
    [['wait', '--ea'], ['--each']],
    [['wait', '--each', ''], [':file']],
    [['submit', '--tag', 'x', '--ta'], ['--tag']],
    [['start', '--handlers', 'a.js', ''], [':file']],
    [['start', '--data', ''], [':folder']],
    [['start', '--until'], []],
    [['get', '--', '--'], []],
    [['bogus', 'more', ''], []]
  ])('of %j may be %j', async (words, expected) => {
    expect((await offered(...words)).filter(word => word !== '--timeout')).toEqual(expected)
  })

  test('may also be what a node knows: tasks, nodes, types', async () => {
    const { id } = await at.node.submit('quick', null)
    expect(await offered('get', '')).toEqual([id])
    expect(await offered('wait', id, '0')).toEqual([id])
    expect(await offered('submit', 'a', '--depends-on', id.slice(0, 4))).toEqual([id])
    expect(await offered('nodes', '--node', '')).toEqual(['computer-a/1', 'computer-b/2'])
    expect(await offered('submit', 'q')).toEqual(['quick'])
  })

  test('is nothing where no node answers', async () => {
    await at.api.close()
    expect(await offered('get', '')).toEqual([])
  })
})

test.each([['bash', 'more'], ['tcsh']])('completion %s %s is wrong usage', async (...argv) => {
  expect(await run(['completion', ...argv])).toMatchObject({ code: 2, stdout: '' })
})

describe('in a shell', () => {
  const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0
  /** Puts a word into the shell's place for it, and prints what it offers. */
  const ASK: Readonly<Record<string, (words: string) => string>> = {
    bash: words => `COMP_WORDS=(hearsay ${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      compopt() { echo "compopt $*"; }
      _hearsay; printf '%s\n' "\${COMPREPLY[@]}"`,
    zsh: words => `_describe() { print -l -- "\${(@P)2}"; }; _files() { echo compopt -o default; }
      words=(hearsay ${words}); CURRENT=\${#words}; _hearsay`,
    fish: words => `complete -C 'hearsay ${words.replaceAll("''", '')}'`
  }
  const source: Readonly<Record<string, string>> = {
    bash: 'source ./script',
    zsh: 'compdef() { :; }; source ./script',
    fish: 'source ./script'
  }

  async function inShell(shell: string, words: string): Promise<string> {
    const cli = new URL('./children/cli.ts', import.meta.url).pathname
    const shim = join(at.folder, 'hearsay')
    await writeFile(shim, `#!/bin/sh\nexec ${process.execPath} ${cli} "$@"\n`)
    await chmod(shim, 0o755)
    await writeFile(join(at.folder, 'script'), (await run(['completion', shell])).stdout)
    const plain: Readonly<Record<string, string[]>> = { zsh: ['-f'], fish: ['--no-config'] }
    const { stdout } = await promisify(execFile)(
      shell,
      [...(plain[shell] ?? []), '-c', `${source[shell]}\n${ASK[shell]?.(words)}`],
      {
        cwd: at.folder,
        env: { ...process.env, PATH: `${at.folder}:${process.env['PATH']}`, HOME: at.folder }
      }
    )
    return stdout
  }

  for (const shell of ['bash', 'zsh', 'fish']) {
    if (!has(shell)) console.warn(`completion in ${shell} is not tried: it is not installed here`)
    test.skipIf(!has(shell))(`${shell} offers verbs, flags, tasks and files`, async () => {
      const { id } = await at.node.submit('quick', null)
      expect(await inShell(shell, 'sta')).toMatch(/^start\b[^]*^stat(us|e)\b[^]*^stat(us|e)\b/m)
      expect(await inShell(shell, 'ls --state fa')).toMatch(/^failed\s*$/m)
      expect(await inShell(shell, "get ''")).toContain(id)
      for (const words of ["state save ''", "wait --each ''"]) {
        const files = await inShell(shell, words)
        expect(files).toMatch(shell === 'fish' ? /^script$/m : /compopt -o default/)
      }
    })
  }
})
