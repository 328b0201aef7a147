/** What the demo tells at its end. */
import { expect, test } from 'vitest'
import { summarise, summaryLines } from '../../src/demo/summary.ts'
import type { TileResult } from '../../src/demo/tasks.ts'

const names = ['computer-a/1', 'computer-a/2']
const tileOf = (node: string, cpuMs: number): TileResult => ({
  column: 0,
  row: 0,
  node,
  cpuMs,
  pixels: ''
})

test('tiles and CPU time are added up by node, idle nodes included', () => {
  const tiles = [tileOf('computer-a/1', 150), tileOf('computer-a/1', 250)]
  const summary = summarise('/tmp/picture.png', names, tiles, 1000, null)
  expect(summary).toMatchObject({ v: 1, tiles: 2, cpuMs: 400, wallMs: 1000 })
  expect(summary.nodes).toEqual([
    { name: 'computer-a/1', tiles: 2, cpuMs: 400 },
    { name: 'computer-a/2', tiles: 0, cpuMs: 0 }
  ])
})

test('people are told where the picture is, and how many cores were busy', () => {
  const summary = summarise('/tmp/picture.png', names, [tileOf('computer-a/1', 1500)], 1000, null)
  const lines = summaryLines({ ...summary, cores: 2 }, false)
  expect(lines).toContain('1 tiles took 1.5 s of CPU in 1.0 s: 1.5 of 2 cores kept busy')
  expect(lines.at(-1)).toMatch(/: \/tmp\/picture\.png$/)
})
