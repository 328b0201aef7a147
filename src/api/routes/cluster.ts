/** Who is here, and what happens. */
import { z } from 'zod'
import type { ListsApi } from '../../node/api/lists-api.ts'
import type {
  AdminApi,
  NodeEvent,
  OutputApi,
  QueriesApi,
  TasksApi
} from '../../node/api/node-api.ts'
import { eventStream, listStream, pulledStream } from '../events.ts'
import { diagnosis } from '../openapi/answers.ts'
import { json, lines, published, type Question } from '../openapi/question.ts'
import type { Service } from '../openapi/service.ts'
import { ndjson } from '../request.ts'
import type { Reload } from './reload.ts'

const NODES: Question = {
  summary: 'This node, all members, and those that are expected',
  answers: [lines(published('node'), 'a node each')]
}
const STATUS: Question = {
  summary: 'The cluster in brief',
  answers: [json(published('status'), 'its members, and tasks by state')]
}

/** Names with commas between them: 64 of 32 characters. Others on the network may make up names without end. */
const asked = z.strictObject({
  clusters: z
    .string()
    .regex(/^[a-z0-9,-]*$/)
    .max(2112)
    .optional()
})
const DIAGNOSIS: Question<z.infer<typeof asked>> = {
  summary: 'What the node can tell for diagnosis',
  query: asked,
  answers: [json(diagnosis, 'what it knows')]
}
const METRICS: Question = {
  summary: 'What there is to measure',
  answers: [{ status: 200, what: 'text for Prometheus', as: 'text' }]
}

/** More than a node may have. */
const LABELS_BYTES_MAX = 65_536
const labels = z.record(z.string(), z.string())
const SET_LABELS: Question<Record<string, never>, z.infer<typeof labels>> = {
  summary: 'What the node says of itself from now on, in place of its labels so far',
  body: { as: 'json', schema: labels, bytesMax: LABELS_BYTES_MAX },
  answers: [json(published('node'), 'the node')],
  problems: ['TooLargeError']
}

const drained = z.strictObject({
  node: z.string().optional(),
  undo: z.enum(['true', 'false']).optional()
})
const DRAIN: Question<z.infer<typeof drained>> = {
  summary:
    'Has a node take nothing more and hand on what is queued, or with `undo` take tasks again: by name or id, or this one',
  query: drained,
  answers: [json(published('node'), 'the node')],
  problems: ['UnknownNodeError']
}
const named = z.strictObject({ node: z.string() })
const EXPECT: Question<z.infer<typeof named>> = {
  summary:
    'An instance is expected: it is shown, and counts in majorities, before it has been seen, until it is forgotten',
  query: named,
  answers: [json(published('node'), 'the node')]
}
const FORGET: Question<z.infer<typeof named>> = {
  summary: 'A node that is gone counts no more, nor is expected',
  query: named,
  answers: [json(published('node'), 'the node')],
  problems: ['UnknownNodeError']
}
const RELOAD: Question = {
  summary: 'The node reads its handlers anew, and its configuration file if it has one',
  answers: [json(published('reloaded'), 'what has changed')],
  problems: ['HandlersFileError']
}
const LEAVE: Question = {
  summary: 'The node begins to leave',
  answers: [json(z.strictObject({ v: z.literal(1) }), 'it has begun')]
}

/** More rows than a page shows, and no more than a reader is kept up to date with (node/lists/live-rows.ts). */
const ROWS_MAX = 1000
const eventFilter = z.strictObject({
  since: z.string().optional(),
  snapshot: z.enum(['true', 'false']).optional().meta({
    description: 'begins with nodes, counts and tasks as they are, and tells what changes of them'
  }),
  rows: z.coerce.number().int().min(1).max(ROWS_MAX).optional().meta({
    description: 'how many tasks a snapshot has, the newest ones; 200 if it is left out'
  }),
  event: z.string().optional(),
  type: z.string().optional(),
  task: z.string().optional()
})
const EVENTS: Question<z.infer<typeof eventFilter>> = {
  summary:
    'What happens from now on, or since a cursor, as the node sees it; with `snapshot`, a live view',
  query: eventFilter,
  answers: [lines(published('event'), 'an event each, until the reader goes')],
  problems: ['UnknownTaskError', 'AmbiguousTaskError']
}

export function serveCluster(
  service: Service,
  node: QueriesApi & AdminApi & OutputApi & ListsApi & Pick<TasksApi, 'resolveId'>,
  closing: AbortSignal,
  reload: Reload
): void {
  service.add('get', '/v1/nodes', NODES, () => ndjson(listStream(node.nodes())))
  service.add('get', '/v1/status', STATUS, c => c.json(node.getSystemStatus()))
  service.add('get', '/v1/diagnosis', DIAGNOSIS, (c, { query: { clusters = '' } }) =>
    c.json(node.diagnosis(clusters.split(',').filter(Boolean)))
  )
  service.add('get', '/v1/metrics', METRICS, async c => c.text(await node.metricsText()))
  service.add('put', '/v1/labels', SET_LABELS, (c, { given }) => {
    node.setLabels(given)
    return c.json(node.nodes().find(({ self }) => self))
  })
  service.add('post', '/v1/drain', DRAIN, (c, { query }) =>
    c.json(query.undo === 'true' ? node.undrain(query.node) : node.drain(query.node))
  )
  service.add('post', '/v1/expect', EXPECT, (c, { query }) => {
    node.registerWorker(query.node)
    return c.json(node.nodes().find(({ name }) => name === query.node))
  })
  service.add('post', '/v1/forget', FORGET, (c, { query }) => c.json(node.forget(query.node)))
  service.add('post', '/v1/reload', RELOAD, async c => c.json({ v: 1, ...(await reload()) }))
  service.add('post', '/v1/leave', LEAVE, c => {
    // Answered before the node has left: it could not answer afterwards.
    node.leave().catch(() => {})
    return c.json({ v: 1 })
  })
  service.add('get', '/v1/events', EVENTS, async (c, { query }) => {
    const { since, snapshot, rows, ...wanted } = query
    const fits = await eventsWanted(node, wanted)
    if (snapshot === 'true') {
      const ended = new AbortController()
      const signal = AbortSignal.any([c.req.raw.signal, closing, ended.signal])
      const options = { ...(since && { since }), ...(rows && { rows }), wants: fits }
      return ndjson(pulledStream(node.watch(options, signal), ended))
    }
    const subscribe = (listener: (event: NodeEvent) => void): (() => void) =>
      node.onEvent(event => fits(event) && listener(event), since)
    return ndjson(eventStream(subscribe, closing))
  })
}

/** News of what was missed concerns every reader, whatever it asked for. */
async function eventsWanted(
  tasks: Pick<TasksApi, 'resolveId'>,
  { event: name, type, task }: Pick<z.infer<typeof eventFilter>, 'event' | 'type' | 'task'>
): Promise<(event: NodeEvent) => boolean> {
  const id = task === undefined ? undefined : await tasks.resolveId(task)
  return happened =>
    happened.event === 'events:lost' ||
    ((name === undefined || happened.event === name || happened.event.startsWith(`${name}:`)) &&
      (type === undefined || happened['type'] === type) &&
      (id === undefined || happened['taskId'] === id))
}
