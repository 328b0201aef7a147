/**
 * Command tasks with real processes: what they get, how they end, and that none of them is left behind.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { BlobRef } from '../../../src/core/task/content.ts'
import { createRunner } from '../../../src/run/runner.ts'
import { Heard } from '../../contract/runner.ts'
import { isAlive } from '../../support/processes.ts'
import { until } from '../../support/until.ts'

let heard: Heard
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-commands-'))
  heard = new Heard(await createRunner({ commands: true, concurrency: 4, abortGraceMs: 200 }))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await heard.runner.stop()
  await rm(folder, { recursive: true, force: true })
})

const shell = (script: string, more: object = {}): ReturnType<Heard['start']> =>
  heard.start('command', { argv: [script], shell: true, ...more })

/** A process number that a command has written to a file. */
async function processIn(file: string): Promise<number> {
  const text = await until(async () => (await readFile(file, 'utf8')).trim(), `a number in ${file}`)
  return Number(text)
}

test('a command gets its arguments as they are, its stdin, its environment and its folder', async () => {
  vi.stubEnv('HEARSAY_KEY', 'secret')
  const argv = [
    '/bin/sh',
    '-c',
    'printf "%s|" "$1" "$COLOUR" "$HEARSAY_KEY" "$PWD"; cat',
    '-',
    '$HOME *'
  ]
  const run = heard.start('command', { argv, cwd: folder, env: { COLOUR: 'red' }, stdin: 'ünd' })
  expect(await heard.value(run)).toEqual({ exitCode: 0, signal: null })
  expect(heard.output.stdout).toBe(`$HOME *|red||${folder}|ünd`)
})

test('a command is told which run it is; stdin that is no text comes as JSON', async () => {
  const script = 'echo "$HEARSAY_TASK_ID $HEARSAY_ATTEMPT $HEARSAY_EPOCH $(cat)"'
  const argv = ['/bin/sh', '-c', script]
  const run = heard.start('command', { argv, stdin: { a: [1] } }, { attempt: 3, epoch: 7 })
  await heard.value(run)
  expect(heard.output.stdout).toBe(`${run.taskId} 3 7 {"a":[1]}\n`)
})

test('a shell only if it is asked for, and its further arguments are $1 and so on', async () => {
  await heard.value(heard.start('command', { argv: ['echo', '$(id)', '&&'] }))
  await heard.value(heard.start('command', { argv: ['echo $1 | tr a-z A-Z', 'x;y'], shell: true }))
  expect(heard.output.stdout).toBe('$(id) &&\nX;Y\n')
})

test('stdout and stderr are told apart, and characters that arrive in pieces are put together', async () => {
  await heard.value(shell(`printf '\\303'; sleep 0.05; printf '\\244 out'; echo err >&2`))
  expect(heard.output).toEqual({ stdout: 'ä out', stderr: 'err\n', log: '' })
})

test('what a command prints arrives byte for byte, also if it is no text', async () => {
  const file = join(folder, 'bytes')
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7919) >> 4)
  await writeFile(file, bytes)
  await heard.value(heard.start('command', { argv: ['cat', file] }))
  expect(Buffer.concat(heard.said).equals(bytes)).toBe(true)
})

test.each([
  ['exit 3', 'CommandFailedError', 'exited with code 3'],
  ['kill -USR1 $$', 'CommandFailedError', 'ended by SIGUSR1'],
  ['exit 75', 'RetryAfterError', 'tried again later']
])('%s is a failed attempt: %s', async (script, name, message) => {
  const { error } = await heard.failure(shell(script))
  expect(error.name).toBe(name)
  expect(error.message).toContain(message)
})

test.each([
  [{ argv: ['no-such-program-here'] }, 'ENOENT'],
  [{ argv: ['true'], cwd: '/no/such/folder' }, '/no/such/folder is no folder here']
])('%j: what cannot be started says why', async (payload, why) => {
  const { error } = await heard.failure(heard.start('command', payload))
  expect(error.name).toBe('CommandNotStartedError')
  expect(error.message).toContain(why)
})

test.each([
  [null, 'the payload'],
  [{}, 'argv'],
  [{ argv: [] }, 'argv'],
  [{ argv: [''] }, 'the name of the command is empty'],
  [{ argv: ['a\0b'] }, 'zero byte'],
  [{ argv: ['ls'], cwd: 'relative' }, 'absolute path'],
  [{ argv: ['ls'], env: { 'A=B': 'x' } }, 'env'],
  [{ argv: ['ls'], args: [] }, 'args']
])('a payload of %j is refused, and not tried again', async (payload, why) => {
  const { error, reason } = await heard.failure(heard.start('command', payload))
  expect(error.name).toBe('PayloadRejectedError')
  expect(error.message).toContain(why)
  expect(reason).toBe('PayloadRejected')
  // Whoever submits it at a node that takes commands is told the same at once.
  expect(await heard.runner.refusalOf('command', JSON.stringify(payload))).toBe(error.message)
})

test('a payload of a command that is in order is not refused before it is run', async () => {
  const payload = { argv: ['ls', ''], cwd: '/', env: { A: 'b' }, stdin: [1], shell: false }
  expect(await heard.runner.refusalOf('command', JSON.stringify(payload))).toBeNull()
})

test('a command above its timeout is asked to end, with its whole group, and given time for it', async () => {
  const file = join(folder, 'child')
  const script = `sh -c 'trap "echo tidied >&2; exit" TERM; echo $$ >${file}; while :; do sleep 0.02; done' & wait`
  const { reason } = await heard.failure(
    heard.start('command', { argv: [script], shell: true }, { timeoutMs: 300 })
  )
  expect(reason).toBe('Timeout')
  expect(heard.output.stderr).toContain('tidied\n')
  expect(isAlive(await processIn(file))).toBe(false)
})

test('a command that ignores SIGTERM is killed after the grace time, its children too', async () => {
  const file = join(folder, 'child')
  const run = shell(`trap "" TERM; sh -c 'echo $$ >${file}; sleep 60' & wait; sleep 60`)
  const child = await processIn(file)
  await heard.runner.abort(run.taskId, run.epoch)
  expect(isAlive(child)).toBe(false)
  expect(heard.ends).toEqual([])
})

test('what a command leaves behind in its group ends with it', async () => {
  const file = join(folder, 'child')
  await heard.value(shell(`sleep 60 & echo $! >${file}`))
  expect(isAlive(await processIn(file))).toBe(false)
})

test('a stopped runner leaves no process behind', async () => {
  const file = join(folder, 'child')
  shell(`sleep 60 & echo $! >${file}; wait`)
  const child = await processIn(file)
  await heard.runner.stop()
  expect(isAlive(child)).toBe(false)
})

test('a process that ends without stopping its runner takes its commands along', async () => {
  const file = join(folder, 'child')
  const program = new URL('../children/ends-with-command.ts', import.meta.url).pathname
  await once(spawn(process.execPath, [program, file]), 'exit')
  const child = await processIn(file)
  await until(() => !isAlive(child), 'the command to end')
})

test('the commands of a process that is killed end, too', async () => {
  const file = join(folder, 'child')
  const program = new URL('../children/ends-with-command.ts', import.meta.url).pathname
  await once(spawn(process.execPath, [program, file, 'SIGKILL']), 'exit')
  const child = await processIn(file)
  await until(() => !isAlive(child), 'the command to end')
})

test('a command whose starter is killed has failed and ends, and the next one gets another starter', async () => {
  const file = join(folder, 'starter')
  const run = shell(`echo $PPID >${file}; sleep 60`)
  const starter = await processIn(file)
  process.kill(starter, 'SIGKILL')
  // The starter may have died before it had said that the command has begun.
  expect((await heard.failure(run)).error.name).toMatch(/^Command(Lost|NotStarted)Error$/)
  await heard.value(shell(`echo $PPID >${file}`))
  expect(await processIn(file)).not.toBe(starter)
})

test('a command that is aborted while it is being started leaves no process behind', async () => {
  for (let i = 0; i < 20; i++) {
    const run = shell(`trap "" TERM; echo $$ >${join(folder, String(i))}; sleep 60`)
    for (let turn = 0; turn < i % 5; turn++) await new Promise(setImmediate)
    await heard.runner.abort(run.taskId, run.epoch)
  }
  // Whatever was started is over when the runner has stopped.
  await heard.runner.stop()
  for (const name of await readdir(folder))
    expect(isAlive(await processIn(join(folder, name)))).toBe(false)
  expect(heard.ends).toEqual([])
})

test('the process that starts commands ends when there has been none for a while', async () => {
  await heard.runner.stop()
  heard = new Heard(await createRunner({ commands: true, concurrency: 1, idleMs: 100 }))
  const file = join(folder, 'starter')
  await heard.value(shell(`echo $PPID >${file}`))
  const starter = await processIn(file)
  await until(() => !isAlive(starter), 'the starter to end')
  await heard.value(shell('true'))
})

test('a command that reads nothing of what it could read, or ends its streams, ends as it says', async () => {
  const stdin = 'x'.repeat(2 ** 20)
  await heard.value(heard.start('command', { argv: ['true'], stdin }))
  await heard.value(heard.start('command', { argv: ['wc', '-c'], stdin }))
  expect(heard.output.stdout.trim()).toBe(String(stdin.length))
  const { error } = await heard.failure(shell('exec 0<&- 1>&- 2>&-; sleep 0.05; exit 4'))
  expect(error.message).toContain('code 4')
})

test('a command that prints without end is slowed down, and can be stopped', async () => {
  const run = heard.start('command', { argv: ['yes'] }, { timeoutMs: 500 })
  await heard.failure(run)
  expect(heard.output.stdout.length).toBeGreaterThan(65_536)
  expect(heard.output.stdout.length).toBeLessThan(8 * 1024 * 1024)
})

test('without commands there is no handler for them', async () => {
  const runner = await createRunner({ concurrency: 1 })
  expect(runner.handlers).toEqual([])
  expect(heard.runner.handlers).toEqual(['command'])
  expect(() => heard.runner.registerFunction('command', () => 1)).toThrow('runs commands')
})

test('bytes that are no text arrive at its stdin as they are', async () => {
  const bytes = Buffer.from([0xff, 0xfe, 0x80, 0, 0x0a])
  const argv = ['/bin/sh', '-c', 'od -An -v -tx1']
  await heard.value(heard.start('command', { argv, stdinBase64: bytes.toString('base64') }))
  expect(heard.output.stdout.trim()).toBe('ff fe 80 00 0a')
})

test.each([
  [{ stdinBase64: 'no base64!' }, 'stdinBase64 of the payload of a command is not as it should be'],
  [{ stdin: 'a', stdinBase64: 'YQ==' }, 'a command has stdin or stdinBase64, not both'],
  [{ resultFrom: 'stderr' }, 'resultFrom of the payload of a command is not as it should be']
])('%j is refused', async (fields, words) => {
  const { reason, error } = await heard.failure(shell('true', fields))
  expect(reason).toBe('PayloadRejected')
  expect(error.message).toContain(words)
})

describe('the result of a command', () => {
  test.each<[string, string, unknown]>([
    ['JSON', 'echo \'{"a": [1, "ü"]}\'', { a: [1, 'ü'] }],
    ['text', 'echo hello; echo error >&2', 'hello\n'],
    ['nothing', 'true', ''],
    ['a number of more digits than JSON keeps', 'printf 1764565000123456789', '1764565000123456789']
  ])('is what it printed, if that is asked for: %s', async (_, script, result) => {
    expect(await heard.value(shell(script, { resultFrom: 'stdout' }))).toEqual(result)
  })

  test('that it printed is logged all the same', async () => {
    await heard.value(shell('echo 5', { resultFrom: 'stdout' }))
    expect(heard.output.stdout).toBe('5\n')
  })

  test('is what it left in its file, also if it prints', async () => {
    const script = 'echo printed; echo "[1, 2]" > "$HEARSAY_RESULT_FILE"'
    expect(await heard.value(shell(script))).toEqual([1, 2])
    expect(await heard.value(shell(script, { resultFrom: 'stdout' }))).toEqual([1, 2])
  })

  test.each([
    ['"no JSON"', 'HEARSAY_RESULT_FILE of the command is not JSON'],
    ['"[12345678901234567890]"', 'has the number 12345678901234567890 at column 2'],
    ['"\\377"', 'HEARSAY_RESULT_FILE of the command is not UTF-8']
  ])('is refused for good if it is not as it should be: %s', async (text, words) => {
    const script = `printf ${text} > "$HEARSAY_RESULT_FILE"`
    const { reason, error } = await heard.failure(shell(script))
    expect([reason, error.name]).toEqual(['ResultRejected', 'ResultRejectedError'])
    expect(error.message).toContain(words)
  })

  test('is refused if it printed an object that JSON does not keep, or no text', async () => {
    for (const [script, words] of [
      ['echo \'{"id": 12345678901234567890}\'', 'has the number'],
      ['printf "\\377"', 'stdout of the command is not UTF-8']
    ] as const) {
      const { reason, error } = await heard.failure(shell(script, { resultFrom: 'stdout' }))
      expect(reason).toBe('ResultRejected')
      expect(error.message).toContain(words)
    }
  })

  test('a command that fails leaves none, and one that comes too early says when to try again', async () => {
    const failed = await heard.failure(shell('echo 1 > "$HEARSAY_RESULT_FILE"; exit 3'))
    expect(failed.result).toBe('{"exitCode":3,"signal":null}')
    const early = shell('echo \'{"retryAfterMs": 1234}\' > "$HEARSAY_RESULT_FILE"; exit 75')
    expect((await heard.failure(early)).retryAfterMs).toBe(1234)
    expect((await heard.failure(shell('exit 75'))).retryAfterMs).toBe(10_000)
  })

  test('that is large goes to a file of its own, and nothing else is left', async () => {
    const blobs = join(folder, 'blobs')
    await mkdir(blobs)
    const adopted: { hash: string; bytes: number; text: string }[] = []
    heard.runner.useBlobs({
      pathOf: hash => join(blobs, hash),
      newPath: () => join(blobs, crypto.randomUUID()),
      adopt: async (path, { hash, bytes }) => {
        adopted.push({ hash, bytes, text: await readFile(path, 'utf8') })
        await rm(path)
      },
      isSound: async () => true,
      put: () => Promise.reject(new Error('nothing is put'))
    })
    const words = 'i=0; while [ $i -lt 20000 ]; do echo "ü $i"; i=$((i+1)); done'
    const outcome = await heard.outcome(shell(words, { resultFrom: 'stdout' }))
    const result = (outcome as { result: BlobRef }).result
    const text = Array.from({ length: 20_000 }, (_, i) => `ü ${i}\n`).join('')
    expect(adopted[0]).toEqual({ ...result, text: JSON.stringify(text) })
    expect(createHash('sha256').update(JSON.stringify(text)).digest('hex')).toBe(result.hash)
    const json = `{ echo "["; seq -s, 1 30000; echo "]"; } > "$HEARSAY_RESULT_FILE"`
    await heard.outcome(shell(json))
    expect(JSON.parse(adopted[1]!.text)).toHaveLength(30_000)
    await until(async () => (await readdir(blobs)).length === 0, 'the files to be gone')
  })
})
