/**
 * The work of the demo: a small, deep piece of the Mandelbrot set, cut into tiles.
 *
 * A point belongs to the set if z = z * z + c, started at 0, never runs away. How soon a point outside runs away gives
 * the picture. No tile needs any other, every tile costs about the same, and none of it can be precomputed: just what
 * a cluster is for.
 */

/** A piece of the picture. Column and row count tiles, from the upper left. */
export type TilePlace = Readonly<{ column: number; row: number }>

/**
 * The size of the picture. A tile of 80 x 75 pixels, a byte each, is the largest that fits into a result of 8 KiB even
 * if it cannot be compressed at all; 96 of them keep six nodes busy for a while.
 */
export const GRID = { columns: 12, rows: 8, tileWidth: 80, tileHeight: 75 } as const

export const TILE_COUNT: number = GRID.columns * GRID.rows
export const PICTURE_WIDTH: number = GRID.columns * GRID.tileWidth
export const PICTURE_HEIGHT: number = GRID.rows * GRID.tileHeight

/** In the valley of the sea horses, where every point needs about a thousand steps: tiles cost alike. */
const region = { centreX: -0.743643887037151, centreY: 0.13182590420533, width: 5e-9 }

/** Points that have not run away by then are taken for members of the set. */
const stepsMax = 6000
/** No point of the region runs away sooner: the byte range starts here. */
const stepsMin = 980
/** Far out, so that the fraction of a step is smooth. */
const escapeRadiusSquared = 256
/** Points per pixel in each direction: smooths the edges, and makes a tile take a fraction of a second. */
const samplesPerSide = 3

/** The tiles in order, row by row. */
export function tilePlaces(): TilePlace[] {
  return Array.from({ length: TILE_COUNT }, (_, index) => ({
    column: index % GRID.columns,
    row: Math.floor(index / GRID.columns)
  }))
}

/** Computes a tile: one byte per pixel, row by row; 0 is inside the set, 1 ran away soonest, 255 last. */
export function computeTile({ column, row }: TilePlace): Uint8Array {
  const { tileWidth, tileHeight } = GRID
  const tile = new Uint8Array(tileWidth * tileHeight)
  for (let y = 0; y < tileHeight; y++) {
    for (let x = 0; x < tileWidth; x++) {
      const pixel = pixelAt(column * tileWidth + x, row * tileHeight + y)
      tile[y * tileWidth + x] = toByte(pixel)
    }
  }
  return tile
}

/** The mean of some points of a pixel, in steps. */
function pixelAt(x: number, y: number): number {
  const scale = region.width / PICTURE_WIDTH
  let sum = 0
  for (let sample = 0; sample < samplesPerSide ** 2; sample++) {
    const right = x + ((sample % samplesPerSide) + 0.5) / samplesPerSide - PICTURE_WIDTH / 2
    const down = y + (Math.floor(sample / samplesPerSide) + 0.5) / samplesPerSide
    const up = PICTURE_HEIGHT / 2 - down
    sum += stepsUntilEscape(region.centreX + right * scale, region.centreY + up * scale)
  }
  return sum / samplesPerSide ** 2
}

/** With a fraction: how far beyond the radius the last step went says how much of it was needed. */
function stepsUntilEscape(cx: number, cy: number): number {
  let x = 0
  let y = 0
  let xx = 0
  let yy = 0
  let steps = 0
  while (xx + yy <= escapeRadiusSquared && steps < stepsMax) {
    y = 2 * x * y + cy
    x = xx - yy + cx
    xx = x * x
    yy = y * y
    steps++
  }
  return steps < stepsMax ? steps + 1 - Math.log2(Math.log2(xx + yy) / 2) : stepsMax
}

/**
 * Logarithmic: most points run away soon after the first, and the rare late ones would squeeze them into a few bytes.
 */
function toByte(steps: number): number {
  if (steps >= stepsMax) return 0
  const curve = (late: number): number => Math.log1p(Math.max(0, late) / 10)
  return 1 + Math.round((curve(steps - stepsMin) / curve(stepsMax - stepsMin)) * 254)
}
