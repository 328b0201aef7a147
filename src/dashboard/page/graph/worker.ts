/** Finds places for the boxes of a graph, in a thread of its own: it may take a second. */
import { Graph, layout } from '@dagrejs/dagre'
import type { Layout, Question } from './shapes.ts'

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  postMessage(layoutOf(data))
})

type Point = { x: number; y: number }

function layoutOf({ boxes, edges }: Question): Layout {
  const graph = new Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 14, ranksep: 56, marginx: 12, marginy: 12 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height })
  for (const { from, to } of edges) graph.setEdge(from, to)
  layout(graph)
  const placeOf = (id: string): Point => {
    const { x, y } = graph.node(id) as Point
    return { x, y }
  }
  const widths = new Map(boxes.map(({ id, width }) => [id, width]))
  const widthOf = (id: string): number => widths.get(id) ?? 0
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  return {
    width,
    height,
    places: boxes.map(({ id }) => ({ id, ...placeOf(id) })),
    routes: edges.map(({ from, to }) => {
      const { points } = graph.edge(from, to) as { points: Point[] }
      const between = points.slice(1, -1).map(({ x, y }) => ({ x, y }))
      // Arrows leave on the right and come in on the left, wherever the line would cut the box.
      const [start, end] = [placeOf(from), placeOf(to)]
      const first = { x: start.x + widthOf(from) / 2, y: start.y }
      const last = { x: end.x - widthOf(to) / 2, y: end.y }
      const isNext = between.every(({ x }) => x > first.x && x < last.x)
      return { from, to, points: [first, ...(isNext ? between : []), last] }
    })
  }
}
