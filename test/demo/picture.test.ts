/** The work of the demo: tiles fit into results, and come together to a picture. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { randomBytes } from 'node:crypto'
import { decode } from 'fast-png'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TASK_LIMITS } from '../../src/core/options.ts'
import { nodeColour } from '../../src/demo/colours.ts'
import { join, tile } from '../../src/demo/handlers.ts'
import {
  computeTile,
  GRID,
  PICTURE_WIDTH,
  TILE_COUNT,
  tilePlaces
} from '../../src/demo/mandelbrot.ts'
import { drawPicture } from '../../src/demo/picture.ts'
import { packPixels, unpackPixels } from '../../src/demo/pixels.ts'
import { NODE_NAME_VARIABLE, type TileResult } from '../../src/demo/tasks.ts'

const tilePixels = GRID.tileWidth * GRID.tileHeight
const nodes = ['computer-a/1', 'computer-a/2']

function flatTile(index: number, node: string): TileResult {
  const pixels = packPixels(new Uint8Array(tilePixels).fill(100))
  return { ...tilePlaces()[index]!, node, cpuMs: 1, pixels }
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'hearsay-test-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('the places are all tiles of the grid, each once', () => {
  const places = tilePlaces()
  expect(places.length).toBe(TILE_COUNT)
  expect(new Set(places.map(({ column, row }) => `${column} ${row}`)).size).toBe(TILE_COUNT)
  expect(places.at(-1)).toEqual({ column: GRID.columns - 1, row: GRID.rows - 1 })
})

test('the result of any tile fits, even one that cannot be compressed', () => {
  const noise = packPixels(new Uint8Array(randomBytes(tilePixels)))
  const result: TileResult = {
    column: GRID.columns,
    row: GRID.rows,
    node: 'computer-f/12',
    cpuMs: 999_999,
    pixels: noise
  }
  expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThanOrEqual(TASK_LIMITS.inlineBytesMax)
})

test('pixels survive packing', () => {
  const bytes = new Uint8Array(randomBytes(tilePixels))
  expect(Buffer.from(unpackPixels(packPixels(bytes)))).toEqual(Buffer.from(bytes))
})

test.each([
  ['too short', packPixels(new Uint8Array(10))],
  ['too long', packPixels(new Uint8Array(tilePixels + 1))],
  ['no pixels at all', 'bm90aGluZw==']
])('a tile that is %s is refused', (_, pixels) => {
  expect(() => unpackPixels(pixels)).toThrow()
})

test('a tile says which node made it and what it cost, and is the same wherever it is made', () => {
  process.env[NODE_NAME_VARIABLE] = 'computer-b/3'
  const place = { column: 9, row: 1 }
  const result = tile(place)
  delete process.env[NODE_NAME_VARIABLE]
  expect(result).toMatchObject({ ...place, node: 'computer-b/3' })
  expect(result.cpuMs).toBeGreaterThan(0)
  expect(Buffer.from(unpackPixels(result.pixels))).toEqual(Buffer.from(computeTile(place)))
  // A tile of one colour would mean that the region or the number of steps is wrong.
  expect(new Set(unpackPixels(result.pixels)).size).toBeGreaterThan(20)
})

test('the picture shows each tile in the colour of its node, and the share of each node as a bar', () => {
  const tiles = tilePlaces().map((_, index) => flatTile(index, nodes[index % 4 === 0 ? 0 : 1]!))
  const { width, height, data } = decode(drawPicture(tiles, nodes))
  expect(width).toBe(PICTURE_WIDTH)
  const pixel = (x: number, y: number): number[] => {
    const at = (y * width + x) * 3
    return Array.from(data.slice(at, at + 3))
  }
  const dominant = (colour: readonly number[]): number => colour.indexOf(Math.max(...colour))
  const middleOf = (column: number): number[] => pixel((column + 0.5) * GRID.tileWidth, 30)
  expect(middleOf(0)).not.toEqual(middleOf(1))
  expect(middleOf(1)).toEqual(middleOf(2))
  expect(dominant(middleOf(0))).toBe(dominant(nodeColour(0)))
  const bars = Array.from({ length: height - GRID.rows * GRID.tileHeight }, (_, y) => {
    return pixel(Math.floor(width / 2), GRID.rows * GRID.tileHeight + y)
  })
  expect(bars).toContainEqual([...nodeColour(1)])
  expect(bars).not.toContainEqual([...nodeColour(0)])
})

test('join writes the picture of all tiles where it was told to', async () => {
  const file = joinPath(folder, 'picture.png')
  const dependencies = Object.fromEntries(
    tilePlaces().map((_, index) => [`id-${index}`, flatTile(index, nodes[0]!)])
  )
  const { bytes } = await join({ file, nodes }, { dependencies })
  const png = await readFile(file)
  expect(png.length).toBe(bytes)
  expect(decode(png).width).toBe(PICTURE_WIDTH)
})

test('join refuses to draw a picture with holes', async () => {
  const dependencies = { 'id-0': flatTile(0, nodes[0]!) }
  await expect(join({ file: joinPath(folder, 'x.png'), nodes }, { dependencies })).rejects.toThrow(
    `1 of ${TILE_COUNT} tiles`
  )
})
