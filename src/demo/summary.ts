/** What the demo has to tell at its end: where the picture is, who made how much of it, and how busy the cores were. */
import { availableParallelism } from 'node:os'
import type { TileResult } from './tasks.ts'
import { tint } from './view.ts'

export type DemoSummary = {
  v: 1
  /** Absolute path of the PNG. */
  picture: string
  tiles: number
  nodes: { name: string; tiles: number; cpuMs: number }[]
  /** The node that was crashed half-way, if one was. */
  crashed: string | null
  /** From the first submission to the finished picture. */
  wallMs: number
  /** CPU time of all tiles. */
  cpuMs: number
  /** Cores that this process may use. */
  cores: number
}

/** Adds up what the tiles say of themselves. */
export function summarise(
  picture: string,
  names: readonly string[],
  tiles: readonly TileResult[],
  wallMs: number,
  crashed: string | null
): DemoSummary {
  const cpuOf = (made: readonly TileResult[]): number =>
    made.reduce((sum, { cpuMs }) => sum + cpuMs, 0)
  const nodes = names.map(name => {
    const made = tiles.filter(tile => tile.node === name)
    return { name, tiles: made.length, cpuMs: cpuOf(made) }
  })
  const cores = availableParallelism()
  return { v: 1, picture, tiles: tiles.length, nodes, crashed, wallMs, cpuMs: cpuOf(tiles), cores }
}

/** The summary for people. */
export function summaryLines(summary: DemoSummary, colour: boolean): string[] {
  const { picture, tiles, nodes, crashed, wallMs, cpuMs, cores } = summary
  const busy = (cpuMs / wallMs).toFixed(1)
  return [
    ...nodes.map(({ name, tiles: made, cpuMs: took }, index) => {
      return `${tint('██', index, colour)} ${name.padEnd(14)} ${String(made).padStart(3)} tiles, ${seconds(took)} of CPU${name === crashed ? ', until it was killed' : ''}`
    }),
    `${tiles} tiles took ${seconds(cpuMs)} of CPU in ${seconds(wallMs)}: ${busy} of ${cores} cores kept busy`,
    `the picture, each tile in the colour of the node that made it: ${picture}`
  ]
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
