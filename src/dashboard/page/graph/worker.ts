/** Finds places for the boxes of a graph, in a thread of its own: it may take a second. */
import { Graph, layout } from '@dagrejs/dagre'
import type { Layout, Question } from './shapes.ts'

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  postMessage(layoutOf(data))
})

function layoutOf({ boxes, edges }: Question): Layout {
  const graph = new Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 14, ranksep: 56, marginx: 12, marginy: 12 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height })
  for (const { from, to } of edges) graph.setEdge(from, to)
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  return {
    width,
    height,
    places: boxes.map(({ id }) => {
      const { x, y } = graph.node(id) as { x: number; y: number }
      return { id, x, y }
    }),
    routes: edges.map(({ from, to }) => {
      const { points } = graph.edge(from, to) as { points: { x: number; y: number }[] }
      return { from, to, points: points.map(({ x, y }) => ({ x, y })) }
    })
  }
}
