/** The examples for systemd and launchd: systemd itself reads its one, and both give a node the time that it asks for. */
import { spawnSync } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { resolveNodeOptions } from '../../../src/node-options.ts'

const file = (name: string): string =>
  new URL(`../../../config/service/${name}`, import.meta.url).pathname
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

test.skipIf(!hasSystemd)('systemd accepts the unit without a word', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-unit-'))
  const unit = join(folder, 'hearsay@1.service')
  await copyFile(file('hearsay@.service'), unit)
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' })
  await rm(folder, { recursive: true })
  expect([status, stderr]).toEqual([0, ''])
})

test('both wait longer than the grace before they kill', async () => {
  const { grace } = resolveNodeOptions({})
  const unit = await readFile(file('hearsay@.service'), 'utf8')
  const plist = await readFile(file('hearsay.plist'), 'utf8')
  const bounds = [
    /^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1],
    /<key>ExitTimeOut<\/key>\s*<integer>(\d+)</.exec(plist)?.[1]
  ]
  for (const seconds of bounds) expect(Number(seconds) * 1000).toBeGreaterThan(grace + 7000)
  expect(unit).toContain(`--grace ${grace / 1000}s`)
  expect(plist).toContain(`<string>${grace / 1000}s</string>`)
})
