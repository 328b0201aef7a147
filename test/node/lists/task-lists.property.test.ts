/**
 * Page by page, a list is what it is as a whole; and whatever comes and goes between two pages, or while one is made,
 * what stays is on one page, in its place.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TASK_SORTS, type TaskSort } from '../../../src/shared/names.ts'
import type { TaskId } from '../../../src/core/base/ids.ts'
import type { PageQuery } from '../../../src/node/api/lists-api.ts'
import { BOOTS, Replica, type Given } from './replica.ts'

const given: fc.Arbitrary<Given> = fc.record({
  // Few values, so that there are many equals.
  atMs: fc.integer({ min: 0, max: 4 }),
  type: fc.constantFrom('resize', 'render', 'Upload'),
  tags: fc.subarray(['night', 'urgent']),
  ref: fc.constantFrom(null, 'chapter-1', 'chapter-2'),
  priority: fc.integer({ min: 1, max: 10 }),
  holder: fc.constantFrom(...BOOTS),
  state: fc.constantFrom('queued', 'running', 'completed', 'failed'),
  durationMs: fc.integer({ min: 0, max: 3 })
})
const sort = fc.constantFrom(...TASK_SORTS)

/** What happens between two pages, or in the middle of making one. */
type Change = Readonly<
  | { kind: 'add'; given: Given }
  | { kind: 'remove'; place: number }
  | { kind: 'move'; place: number; given: Given }
>
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), given }),
  fc.record({ kind: fc.constant('remove' as const), place: fc.nat() }),
  fc.record({ kind: fc.constant('move' as const), place: fc.nat(), given })
)

/** Keys that no change of a task moves. */
const FIXED = /submittedAt|priority|type/

/** @param moved takes those that may be elsewhere in the list from now on, or not in it any more */
function apply(replica: Replica, changes: readonly Change[], moved: Set<TaskId>): void {
  for (const each of changes) {
    const { ids } = replica
    if (each.kind === 'add') replica.add(each.given)
    else if (ids.length > 0) {
      const id = ids[each.place % ids.length]!
      if (each.kind === 'remove') replica.remove(id)
      else {
        const { state, holder, durationMs } = each.given
        replica.change(id, { state: state!, holder: holder!, durationMs: durationMs! })
        moved.add(id)
      }
    }
  }
}

/** The key of a task in an order, from what the test has made it of; null: it has none. */
function keyOf(by: string, { atMs = 0, ...task }: Given): number | string | null {
  const isSettled = task.state === 'completed' || task.state === 'failed'
  const keys: Readonly<Record<string, number | string | null>> = {
    submittedAt: atMs,
    startedAt: task.state === 'queued' ? null : atMs,
    settledAt: isSettled ? atMs : null,
    durationMs: isSettled ? task.durationMs! : null,
    priority: task.priority!,
    type: task.type!,
    state: ['queued', 'running', 'completed', 'failed'].indexOf(task.state!),
    node: task.holder!
  }
  return keys[by]!
}

/** The order of a list, said in the simplest way: equals by age, the newest first, and then by id. */
function inOrder(replica: Replica, by: TaskSort): TaskId[] {
  const name = by.replace(/^-/, '')
  const less = (x: number | string, y: number | string): number => (x < y ? -1 : x > y ? 1 : 0)
  return replica.ids.toSorted((x, y) => {
    const [one, other] = [replica.given(x), replica.given(y)]
    const [key, otherKey] = [keyOf(name, one), keyOf(name, other)]
    const last = Number(key === null) - Number(otherKey === null)
    const keys = key === null || otherKey === null ? 0 : less(key, otherKey)
    const age = less(other.atMs!, one.atMs!)
    return last || (by.startsWith('-') ? -keys : keys) || age || less(y, x)
  })
}

async function idsOf(replica: Replica, query: PageQuery): Promise<TaskId[]> {
  return [...(await replica.lists.page(query)).rows].map(({ id }) => id)
}

/** All pages. @param meanwhile called before each page, and while it is made */
async function paged(
  replica: Replica,
  query: PageQuery,
  meanwhile: () => void = () => {}
): Promise<TaskId[]> {
  const ids: TaskId[] = []
  let cursor: string | null = null
  do {
    const making = replica.lists.page(cursor === null ? query : { ...query, cursor })
    await new Promise(resolve => setImmediate(resolve))
    meanwhile()
    const page = await making
    const rows = [...page.rows].map(({ id }) => id)
    expect(rows.length).toBeLessThanOrEqual(query.limit!)
    ids.push(...rows)
    ;({ cursor } = page)
    meanwhile()
  } while (cursor !== null)
  return ids
}

describe('paging through', () => {
  test('gives the whole list, in its order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(given, { maxLength: 40 }),
        sort,
        fc.integer({ min: 1, max: 7 }),
        async (tasks, by, limit) => {
          const replica = new Replica()
          for (const each of tasks) replica.add(each)
          const whole = await idsOf(replica, { sort: by })
          expect(whole).toEqual(inOrder(replica, by))
          expect(await paged(replica, { sort: by, limit })).toEqual(whole)
          expect([...replica.lists.tasks({ sort: by })].map(({ id }) => id)).toEqual(whole)
        }
      ),
      { numRuns: 60 }
    )
  })

  test('has each task that stays once, in order, whatever comes, goes and moves', async () => {
    await fc.assert(
      fc.asyncProperty(
        // Scans are cut after 64 tasks: some lists are longer than two of these.
        fc.array(given, { minLength: 1, maxLength: 200, size: 'max' }),
        fc.array(fc.array(change, { maxLength: 4 }), { minLength: 1, maxLength: 12 }),
        sort,
        fc.option(fc.constantFrom('queued', 'completed'), { nil: undefined }),
        fc.integer({ min: 1, max: 30 }),
        async (tasks, changes, by, state, limit) => {
          const replica = new Replica()
          for (const each of tasks) replica.add(each)
          const query = { sort: by, ...(state === undefined ? {} : { state }) }
          const before = await idsOf(replica, query)
          const moved = new Set<TaskId>()
          let next = 0
          const ids = await paged(replica, { ...query, limit }, () => {
            apply(replica, changes[next++ % changes.length]!, moved)
            // It does not go on for ever.
            if (next > 200) for (const id of replica.ids.slice(200)) replica.remove(id)
          })
          const isFixed = state === undefined && FIXED.test(by)
          const left = new Set(replica.ids)
          const stayed = before.filter(id => left.has(id) && (isFixed || !moved.has(id)))
          const isOneOf = new Set(stayed)
          expect(ids.filter(id => isOneOf.has(id))).toEqual(stayed)
          if (isFixed) expect(ids).toHaveLength(new Set(ids).size)
        }
      ),
      { numRuns: 60 }
    )
  })

  test('says on each page how many fit in all, and on the last one that nothing follows', async () => {
    const replica = new Replica()
    for (let n = 0; n < 9; n++)
      replica.add({ atMs: n, state: n % 3 === 0 ? 'completed' : 'queued' })
    const first = await replica.lists.page({ limit: 3, state: 'queued' })
    const last = await replica.lists.page({ limit: 3, state: 'queued', cursor: first.cursor! })
    expect([first.matched, last.matched]).toEqual([6, 6])
    expect([[...first.rows].length, [...last.rows].length]).toEqual([3, 3])
    expect(last.cursor).toBeNull()
  })

  test('a list longer than a run of the sort is in order, too', async () => {
    const replica = new Replica()
    for (let n = 0; n < 10_000; n++)
      replica.add({ atMs: (n * 7919) % 10_007, priority: 1 + (n % 10) })
    const times = replica.records
      .map(({ spec }) => spec)
      .sort((x, y) => x.priority - y.priority || y.submittedAt - x.submittedAt)
      .map(({ id }) => id)
    expect(await idsOf(replica, { sort: 'priority' })).toEqual(times)
    expect(await paged(replica, { sort: 'priority', limit: 4999 })).toEqual(times)
  })
})

describe('a filter', () => {
  test('means what it says, and `matched` is how many fit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(given, { maxLength: 40 }), async tasks => {
        const replica = new Replica()
        for (const each of tasks) replica.add(each)
        const { core, nameOf } = replica
        const dumb = (fits: (each: (typeof replica.records)[number]) => boolean): TaskId[] =>
          replica.records.filter(fits).map(({ spec }) => spec.id)
        const cases: [PageQuery, TaskId[]][] = [
          [{ state: 'running' }, dumb(each => core.state(each) === 'running')],
          [
            { state: ['failed', 'queued'] },
            dumb(each => ['failed', 'queued'].includes(core.state(each)))
          ],
          [{ type: 'resize', tag: 'night' }, dumb(isNightly)],
          [{ node: 'computer-b/1' }, dumb(each => nameOf(each.claim.holder) === 'computer-b/1')],
          [{ ref: 'chapter-1' }, dumb(each => each.spec.ref === 'chapter-1')],
          [
            { since: iso(1), until: iso(3) },
            dumb(({ spec }) => spec.submittedAt >= 1000 && spec.submittedAt < 3000)
          ],
          [{ q: 'uPLOAD' }, dumb(({ spec }) => spec.type === 'Upload')],
          [
            { q: ' chapter  computer-c ' },
            dumb(({ spec, claim }) => spec.ref !== null && claim.holder === BOOTS[2])
          ],
          [{ q: 'typeerror failed' }, dumb(each => core.state(each) === 'failed')],
          [{ q: 'resizerender' }, []]
        ]
        for (const [query, ids] of cases) {
          const page = await replica.lists.page({ ...query, limit: 1 })
          expect(page.matched, JSON.stringify(query)).toBe(ids.length)
          expect((await idsOf(replica, query)).toSorted()).toEqual(ids.toSorted())
        }
      }),
      { numRuns: 30 }
    )
  })

  test('counts a row that fits no more when it is read, and leaves it out', async () => {
    const replica = new Replica()
    const ids = [1, 2, 3].map(atMs => replica.add({ atMs }))
    const { rows, matched } = await replica.lists.page({ limit: 3 })
    replica.remove(ids[1]!)
    expect(matched).toBe(3)
    expect([...rows].map(({ id }) => id)).toEqual([ids[2], ids[0]])
    const queued = await replica.lists.page({ state: 'queued', limit: 2 })
    replica.change(ids[0]!, { state: 'running' })
    expect([...queued.rows].map(({ id }) => id)).toEqual([ids[2]])
  })
})

describe('what is refused', () => {
  const replica = new Replica()
  replica.add({ atMs: 1 })
  replica.add({ atMs: 2 })

  test.each([
    [{ sort: 'age' as TaskSort }, /^sort must be one of submittedAt, .*, not "age"$/],
    [{ since: 'yesterday' }, /^since must be a date and time .* not "yesterday"$/],
    [{ until: '2026-01-01' }, /^until must be a date and time/],
    [{ q: 'x'.repeat(257) }, /^q has 257 characters, at most 256/],
    [{ cursor: 'page 2' }, /^cursor is none/],
    [{ cursor: Buffer.from('["-submittedAt",{},1,"x"]').toString('base64url') }, /^cursor is none/],
    [{ cursor: Buffer.from('["-submittedAt",1,1]').toString('base64url') }, /^cursor is none/]
  ])('%o: names what is wrong, and what is allowed', async (query, words) => {
    await expect(replica.lists.page(query)).rejects.toThrow(words)
    await expect(replica.lists.page(query)).rejects.toMatchObject({ name: 'InvalidOptionError' })
  })

  test('a cursor of another order', async () => {
    const { cursor } = await replica.lists.page({ limit: 1, sort: 'priority' })
    await expect(replica.lists.page({ cursor: cursor! })).rejects.toThrow(
      /^cursor is of a list by "priority", and this one is sorted by -submittedAt/
    )
  })
})

function isNightly({ spec }: { spec: { type: string; tags: readonly string[] } }): boolean {
  return spec.type === 'resize' && spec.tags.includes('night')
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
