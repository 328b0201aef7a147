/**
 * The handlers of the demo, loaded by its nodes like any handlers file of a user: `tile` computes a piece of the
 * picture, `join` makes one picture of all pieces, which reach it as results of the tasks that it depends on.
 */
import { writeFile } from 'node:fs/promises'
import { computeTile, TILE_COUNT, type TilePlace } from './mandelbrot.ts'
import { packPixels } from './pixels.ts'
import { NODE_NAME_VARIABLE, type JoinPayload, type TileResult } from './tasks.ts'

export function tile({ column, row }: TilePlace): TileResult {
  const start = cpuMicroseconds()
  const pixels = packPixels(computeTile({ column, row }))
  const cpuMs = Math.round((cpuMicroseconds() - start) / 1000)
  return { column, row, node: process.env[NODE_NAME_VARIABLE] ?? 'unknown', cpuMs, pixels }
}

export async function join(
  { file, nodes }: JoinPayload,
  { dependencies }: { dependencies: Record<string, TileResult> }
): Promise<{ file: string; bytes: number }> {
  const tiles = Object.values(dependencies)
  if (tiles.length !== TILE_COUNT) {
    throw new RangeError(`${tiles.length} of ${TILE_COUNT} tiles: make this task depend on all`)
  }
  // A thread that only computes tiles has no use for what a picture takes.
  const { drawPicture } = await import('./picture.ts')
  const png = drawPicture(tiles, nodes)
  await writeFile(file, png)
  return { file, bytes: png.length }
}

/** Of this thread alone where Node can tell; other threads of the process are busy with other things. */
function cpuMicroseconds(): number {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage()
  return user + system
}
