/** What the demo and its handlers agree on: what goes into a task, what comes out, and how a node knows its name. */
import type { TilePlace } from './mandelbrot.ts'

/** Set by the demo for each node that it starts; worker threads inherit it. */
export const NODE_NAME_VARIABLE = 'DEMO_NODE_NAME'

/** What a task of the type `tile` returns; its payload is the place. */
export type TileResult = TilePlace & {
  /** Name of the node that made it. */
  node: string
  /** CPU time that it took, in ms. */
  cpuMs: number
  /** The bytes of the tile, deflated, in base64. */
  pixels: string
}

/** The payload of the task of the type `join`. */
export type JoinPayload = {
  /** Absolute path of the PNG to write. */
  file: string
  /** Names of the nodes, in the order of their colours. */
  nodes: string[]
}
