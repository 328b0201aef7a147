/** Tasks as many: pages of them, and how many there are. */
import { z } from 'zod'
import { TASK_SORTS, TASK_STATES } from '../../shared/names.ts'
import type { ListsApi, TaskPage } from '../../node/api/lists-api.ts'
import type { OutputApi } from '../../node/api/node-api.ts'
import { listStream } from '../events.ts'
import { counts, pageEnd } from '../openapi/list-answers.ts'
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

export function serveLists(
  service: Service,
  node: ListsApi & Pick<OutputApi, 'refreshProgress'>
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
