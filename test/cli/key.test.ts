/**
 * The cluster key: as text, on disk, on the command line, and what the network gets of it.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { deriveKeys, findKey, formatKey, newKey, parseKey } from '../../src/key.ts'
import { run } from './run.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-key-'))
  vi.stubEnv('XDG_CONFIG_HOME', folder)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

describe('the text of a key', () => {
  test('stands for 32 bytes that are never the same twice', () => {
    const text = newKey()
    expect(text).toMatch(/^hearsay-key-1:[\w-]{48}$/)
    expect(parseKey(` ${text}\n`)).toHaveLength(32)
    expect(formatKey(parseKey(text))).toBe(text)
    expect(newKey()).not.toBe(text)
  })

  test('any one wrong character is noticed', () => {
    const text = newKey()
    for (let i = 0; i < text.length; i++) {
      const wrong = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1)
      expect(() => parseKey(wrong), `character ${i}`).toThrow(/key/)
    }
  })

  test.each([
    ['nothing', '', /begins with hearsay-key-1:/],
    ['another kind', 'hearsay-key-2:AAAA', /begins with hearsay-key-1:/],
    ['a piece', newKey().slice(0, -1), /cut off/],
    ['a key and more', `${newKey()}A`, /cut off/],
    ['two keys', `${newKey()}\n${newKey()}`, /cut off/]
  ])('%s is refused by an error that does not repeat it', (_, text, words) => {
    expect(() => parseKey(text)).toThrow(words)
    const secret = text.slice(14, 30)
    if (secret !== '') expect(() => parseKey(text)).not.toThrow(secret)
  })
})

describe('what is derived', () => {
  const key = new Uint8Array(32).fill(7)

  test('is the same on every computer, for ever', () => {
    const { psk, fingerprint } = deriveKeys(key, 'default')
    expect(Buffer.from(psk).toString('hex')).toMatchInlineSnapshot(
      `"71d28c2ee0462b657bc209ea1ddc2321ae6acc4744056a79c4dd7bbfb724a496"`
    )
    expect(fingerprint).toMatchInlineSnapshot(`"0e7ddc38"`)
  })

  test('differs by key and by cluster, and shows nothing of the key', () => {
    const other = new Uint8Array(32).fill(8)
    const all = [deriveKeys(key, 'a'), deriveKeys(key, 'b'), deriveKeys(other, 'a')]
    expect(new Set(all.map(({ psk }) => Buffer.from(psk).toString('hex'))).size).toBe(3)
    expect(new Set(all.map(({ fingerprint }) => fingerprint)).size).toBe(3)
    for (const { psk } of all) expect(Buffer.from(psk).equals(key)).toBe(false)
  })
})

describe('where a key is found', () => {
  test('each place outranks those after it', async () => {
    const names = ['option', 'keyFile', 'HEARSAY_KEY', 'HEARSAY_KEY_FILE', 'own']
    const keys = names.map(() => newKey())
    const [option, keyFile, variable, variableFile, own] = keys as [
      string,
      string,
      string,
      string,
      string
    ]
    const save = async (name: string, text: string): Promise<string> => {
      const file = join(folder, name)
      await writeFile(file, text, { mode: 0o600 })
      return file
    }
    await mkdir(join(folder, 'hearsay'))
    await save('hearsay/six.key', own)
    const env: NodeJS.ProcessEnv = {
      XDG_CONFIG_HOME: folder,
      HEARSAY_KEY: variable,
      HEARSAY_KEY_FILE: await save('variable', variableFile)
    }
    const search = { key: option, keyFile: await save('option', keyFile), cluster: 'six', env }
    const found: string[] = []
    const look = async (change: object): Promise<void> => {
      Object.assign(search, change)
      found.push(formatKey((await findKey(search)).key))
    }
    await look({})
    await look({ key: null })
    await look({ keyFile: null })
    delete env['HEARSAY_KEY']
    await look({})
    delete env['HEARSAY_KEY_FILE']
    await look({})
    expect(found).toEqual(keys)
    await expect(findKey({ ...search, cluster: 'other' })).rejects.toMatchObject({
      name: 'NoClusterKeyError',
      message: expect.stringMatching(/hearsay key new --save --cluster other/) as string
    })
  })

  test('a file that was named has to be there and be a key', async () => {
    const missing = findKey({ keyFile: join(folder, 'missing') })
    await expect(missing).rejects.toThrow(/cannot be read \(ENOENT\)/)
    await writeFile(join(folder, 'other'), 'shopping list')
    await expect(findKey({ keyFile: join(folder, 'other') })).rejects.toThrow(/no cluster key/)
  })

  test('a file that others can read is used, with a warning', async () => {
    const file = join(folder, 'key')
    await writeFile(file, newKey(), { mode: 0o600 })
    expect((await findKey({ keyFile: file })).warnings).toEqual([])
    await chmod(file, 0o644)
    expect((await findKey({ keyFile: file })).warnings).toEqual([
      expect.stringContaining(`chmod 600 ${file}`) as string
    ])
  })
})

describe('hearsay key', () => {
  test('new prints a key and keeps none; with --save it keeps what it prints, for us alone', async () => {
    const printed = await run(['key', 'new'])
    expect(printed).toMatchObject({ code: 0, stderr: '' })
    expect(parseKey(printed.stdout)).toHaveLength(32)
    expect((await run(['key', 'show'])).code).toBe(2)

    const saved = await run(['key', 'new', '--save', '--cluster', 'six'])
    const file = join(folder, 'hearsay', 'six.key')
    expect(await readFile(file, 'utf8')).toBe(saved.stdout)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(saved.stderr).toContain(file)
    const shown = await run(['key', 'show', '--cluster', 'six'])
    expect(shown.stdout).toBe(saved.stdout)
    expect(shown.stderr).toMatch(/fingerprint [0-9a-f]{8}/)
  })

  test('a key that is in use is never overwritten', async () => {
    const first = await run(['key', 'new', '--save'])
    const second = await run(['key', 'new', '--save'])
    expect(second).toMatchObject({ code: 2, stdout: '' })
    expect(second.stderr).toMatch(/already holds a key/)
    expect((await run(['key', 'show'])).stdout).toBe(first.stdout)
  })

  test('--json is one object with the fingerprint', async () => {
    const made = await run(['key', 'new', '--json', '--save'])
    const object = JSON.parse(made.stdout) as Record<string, unknown>
    expect(object).toMatchObject({ v: 1, cluster: 'default' })
    const shown = JSON.parse((await run(['key', 'show', '--json'])).stdout) as typeof object
    expect(shown).toMatchObject({ v: 1, key: object['key'], fingerprint: object['fingerprint'] })
  })

  test('start without a key is refused with 2, and says how to make one', async () => {
    const said = await run(['start', '--cluster', 'six'])
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(/^hearsay: there is no key .*hearsay key new --save --cluster six/)
  })
})
