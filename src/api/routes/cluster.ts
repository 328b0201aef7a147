/** Who is here, and what happens. */
import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { TooLargeError } from '../../shared/errors.ts'
import type {
  AdminApi,
  NodeEvent,
  OutputApi,
  QueriesApi,
  TasksApi
} from '../../node/api/node-api.ts'
import { eventStream, listStream } from '../events.ts'
import { body, check, ndjson } from '../request.ts'

const eventFilter = z.strictObject({
  since: z.string().optional(),
  event: z.string().optional(),
  type: z.string().optional(),
  task: z.string().optional()
})

/** Names with commas between them: 64 of 32 characters. Others on the network may make up names without end. */
const asked = z.strictObject({
  clusters: z
    .string()
    .regex(/^[a-z0-9,-]*$/)
    .max(2112)
    .optional()
})

/** More than a node may have. */
const LABELS_BYTES_MAX = 65_536
const labels = z.record(z.string(), z.string())

const drained = z.strictObject({ node: z.string().optional() })
const forgotten = z.strictObject({ node: z.string() })

function tooLarge(): never {
  throw new TooLargeError(`labels may have at most ${LABELS_BYTES_MAX} bytes`)
}

export function serveCluster(
  app: Hono,
  node: QueriesApi & AdminApi & OutputApi & Pick<TasksApi, 'resolveId'>,
  closing: AbortSignal
): void {
  app.get('/v1/nodes', () => ndjson(listStream(node.nodes())))
  app.get('/v1/status', c => c.json(node.getSystemStatus()))
  app.get('/v1/diagnosis', c => {
    const { clusters = '' } = check(asked, c.req.query())
    return c.json(node.diagnosis(clusters.split(',').filter(Boolean)))
  })
  app.get('/v1/metrics', async c => c.text(await node.metricsText()))
  app.put('/v1/labels', bodyLimit({ maxSize: LABELS_BYTES_MAX, onError: tooLarge }), async c => {
    node.setLabels(check(labels, await body(c.req)))
    return c.json(node.nodes().find(({ self }) => self))
  })
  app.post('/v1/drain', c => c.json(node.drain(check(drained, c.req.query()).node)))
  app.post('/v1/forget', c => c.json(node.forget(check(forgotten, c.req.query()).node)))
  app.post('/v1/leave', c => {
    // Answered before the node has left: it could not answer afterwards.
    node.leave().catch(() => {})
    return c.json({ v: 1 })
  })
  app.get('/v1/events', async c => {
    const { since, ...wanted } = check(eventFilter, c.req.query())
    const fits = await eventsWanted(node, wanted)
    const subscribe = (listener: (event: NodeEvent) => void): (() => void) =>
      node.onEvent(event => fits(event) && listener(event), since)
    return ndjson(eventStream(subscribe, closing))
  })
}

/** News of what was missed concerns every reader, whatever it asked for. */
async function eventsWanted(
  tasks: Pick<TasksApi, 'resolveId'>,
  { event: name, type, task }: Omit<z.infer<typeof eventFilter>, 'since'>
): Promise<(event: NodeEvent) => boolean> {
  const id = task === undefined ? undefined : await tasks.resolveId(task)
  return happened =>
    happened.event === 'events:lost' ||
    ((name === undefined || happened.event === name || happened.event.startsWith(`${name}:`)) &&
      (type === undefined || happened['type'] === type) &&
      (id === undefined || happened['taskId'] === id))
}
