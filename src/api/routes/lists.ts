/** Tasks as many: pages of them, how many there are, how they hang together, when they ran; and one word for many. */
import { z } from 'zod'
import { TASK_SORTS, TASK_STATES } from '../../shared/names.ts'
import type { ListsApi, TaskPage } from '../../node/api/lists-api.ts'
import type { OutputApi, TasksApi } from '../../node/api/node-api.ts'
import { listStream } from '../events.ts'
import { bulkPreview, counts, graph, pageEnd, timeline } from '../openapi/list-answers.ts'
import { json, lines, published, type Question } from '../openapi/question.ts'
import type { Service } from '../openapi/service.ts'
import { ndjson } from '../request.ts'

const LONGEST_SEARCH = 256

/** Names of states with commas between them. */
const states = z
  .string()
  .transform(text => text.split(','))
  .pipe(z.array(z.enum(TASK_STATES, `must be some of ${TASK_STATES.join(', ')}, with commas`)))
  .meta({ description: `some of ${TASK_STATES.join(', ')}, with commas between them` })
const time = z.iso.datetime({
  offset: true,
  error: 'must be a date and time with its offset, such as 2026-01-31T12:00:00Z'
})

const filterFields = {
  state: states.optional(),
  type: z.string().optional(),
  tag: z.string().optional(),
  node: z.string().optional().meta({ description: 'the name of the holder' }),
  ref: z.string().optional(),
  q: z.string().max(LONGEST_SEARCH).optional().meta({
    description: 'words, each of which is in id, type, ref, tags, holder or error'
  }),
  since: time.optional().meta({ description: 'submitted then or later' }),
  until: time.optional().meta({ description: 'submitted before then' })
}
const filter = z.strictObject(filterFields)
const page = z.strictObject({
  ...filterFields,
  sort: z.enum(TASK_SORTS).optional(),
  cursor: z.string().optional().meta({ description: 'of the last line of a page' }),
  limit: z.coerce.number().int().min(1).optional(),
  fields: z.literal('brief', 'must be brief, or left out').optional()
})
const LIST: Question<z.infer<typeof page>> = {
  summary: 'Tasks, newest first if nothing else is asked for; with `limit` or `cursor`, a page',
  query: page,
  answers: [
    lines(
      z.union([published('task'), published('task-row'), pageEnd]),
      'a task each (`brief`: a row); of a page, the last line says how to go on'
    )
  ]
}
const COUNTS: Question<z.infer<typeof filter>> = {
  summary: 'How many tasks there are, by state, type and node',
  query: filter,
  answers: [json(counts, 'the counts')]
}

/** Farther away, all of a large cluster is near. */
const DEPTH_MAX = 16
const neighbourhood = z.strictObject({
  depth: z.coerce.number().int().min(0).max(DEPTH_MAX).optional(),
  max: z.coerce.number().int().min(1).max(5000).optional()
})
const GRAPH: Question<z.infer<typeof neighbourhood>> = {
  summary: 'What a task depends on, and what depends on it',
  query: neighbourhood,
  answers: [json(graph, 'its neighbourhood')],
  problems: ['UnknownTaskError', 'AmbiguousTaskError']
}

const stretch = z.strictObject({
  from: time.optional().meta({ description: 'ten minutes before the end, if it is left out' }),
  to: time.optional().meta({ description: 'now, if it is left out' }),
  max: z.coerce.number().int().min(1).max(50_000).optional().meta({
    description: 'of more spans, how dense they are is told instead; 5000 if it is left out'
  })
})
const TIMELINE: Question<z.infer<typeof stretch>> = {
  summary: 'Who ran what, and when: all nodes are asked',
  query: stretch,
  answers: [json(timeline, 'the runs')]
}

const BULK_BYTES_MAX = 65_536
const order = z.strictObject({
  action: z.enum(['cancel', 'retry']),
  filter: z.strictObject({
    ...filterFields,
    state: z.union([z.enum(TASK_STATES), z.array(z.enum(TASK_STATES))]).optional()
  }),
  dryRun: z.boolean().optional().meta({ description: 'only says how many fit' }),
  expect: z.int().min(0).optional().meta({
    description: 'how many have to fit; nothing is done if it is another number'
  }),
  allowCommands: z.boolean().optional().meta({ description: 'whether commands are tried again' })
})
const BULK: Question<Record<string, never>, z.infer<typeof order>> = {
  summary:
    'Cancels all tasks that fit and have not settled, or submits copies of those that failed',
  body: { as: 'json', schema: order, bytesMax: BULK_BYTES_MAX },
  answers: [
    json(z.union([bulkPreview, published('bulk')]), 'what was done; with `dryRun`, what would be')
  ],
  problems: ['CountMismatchError']
}

export function serveLists(
  service: Service,
  node: ListsApi & Pick<OutputApi, 'refreshProgress'> & Pick<TasksApi, 'resolveId'>
): void {
  service.add('get', '/v1/tasks', LIST, async (_, { query: { fields, ...query } }) => {
    await node.refreshProgress()
    const wanted = withoutUndefined(query)
    const found =
      fields === undefined
        ? await node.listTasks(wanted)
        : await node.listTasks({ ...wanted, fields })
    const isPage = query.limit !== undefined || query.cursor !== undefined
    return ndjson(listStream(isPage ? withEnd(found) : found.rows))
  })
  service.add('get', '/v1/tasks/counts', COUNTS, async (c, { query }) =>
    c.json(await node.countTasks(withoutUndefined(query)))
  )
  service.add('get', '/v1/tasks/:part/graph', GRAPH, async (c, { query }) => {
    const id = await node.resolveId(c.req.param('part')!)
    return c.json(await node.graph(id, withoutUndefined(query)))
  })
  service.add('get', '/v1/timeline', TIMELINE, async (c, { query }) =>
    c.json(await node.timeline(withoutUndefined(query)))
  )
  service.add('post', '/v1/bulk', BULK, async (c, { given }) => {
    const { dryRun = false, filter: wanted, ...rest } = given
    const request = { ...withoutUndefined(rest), filter: withoutUndefined(wanted) }
    if (dryRun) return c.json(await node.previewBulk(request))
    return c.json(await node.bulk(request, c.req.raw.signal))
  })
}

function* withEnd({ rows, cursor, matched }: TaskPage): Generator {
  yield* rows
  yield { v: 1, cursor, matched }
}

/** A value that is not there is another thing than one that is undefined. */
function withoutUndefined<T extends object>(given: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined)
  ) as Defined<T>
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }
