/**
 * Tiles to a picture. Each tile is drawn in the colour of the node that made it, with a thin dark edge, and below the
 * picture lies one bar per node, as long as its share: one look tells how the work spread.
 */
import { encode } from 'fast-png'
import { GRID, PICTURE_HEIGHT, PICTURE_WIDTH } from './mandelbrot.ts'
import { nodeColour, type Colour } from './colours.ts'
import { unpackPixels } from './pixels.ts'
import type { TileResult } from './tasks.ts'

const barHeight = 14
const barGap = 4

/** The picture of all tiles as a PNG. `nodes` are the names of the nodes in the order of their colours. */
export function drawPicture(tiles: readonly TileResult[], nodes: readonly string[]): Uint8Array {
  const height = PICTURE_HEIGHT + nodes.length * (barHeight + barGap) + barGap
  const data = new Uint8Array(PICTURE_WIDTH * height * 3)
  for (const tile of tiles) drawTile(data, tile, nodeColour(nodes.indexOf(tile.node)))
  for (const [index, node] of nodes.entries()) {
    const share = tiles.filter(tile => tile.node === node).length / tiles.length
    const top = PICTURE_HEIGHT + barGap + index * (barHeight + barGap)
    for (let y = top; y < top + barHeight; y++) {
      for (let x = 0; x < share * PICTURE_WIDTH; x++) setPixel(data, x, y, nodeColour(index))
    }
  }
  return encode({ width: PICTURE_WIDTH, height, data, channels: 3, depth: 8 })
}

function drawTile(data: Uint8Array, tile: TileResult, colour: Colour): void {
  const { tileWidth, tileHeight } = GRID
  const pixels = unpackPixels(tile.pixels)
  for (const [at, value] of pixels.entries()) {
    const x = at % tileWidth
    const y = Math.floor(at / tileWidth)
    const isEdge = x === 0 || y === 0
    const shade = shadeOf(value, colour)
    const dimmed = isEdge ? (shade.map(part => part * 0.45) as unknown as Colour) : shade
    setPixel(data, tile.column * tileWidth + x, tile.row * tileHeight + y, dimmed)
  }
}

/** From black through the node's colour to white and back, several times over the range of bytes. */
function shadeOf(value: number, colour: Colour): Colour {
  if (value === 0) return [8, 8, 12]
  const light = 0.5 - 0.5 * Math.cos((value / 255) * 2 * Math.PI * 4 - 1.6)
  const blend = (part: number): number =>
    light < 0.6
      ? part * (0.3 + (light / 0.6) * 0.7)
      : part + (255 - part) * ((light - 0.6) / 0.4) * 0.8
  return [blend(colour[0]), blend(colour[1]), blend(colour[2])]
}

function setPixel(data: Uint8Array, x: number, y: number, colour: Colour): void {
  data.set(colour, (y * PICTURE_WIDTH + Math.floor(x)) * 3)
}
