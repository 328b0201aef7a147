/** What each side of a cut sees and may do, in words. */
import { expect, test } from 'vitest'
import { sidesOf } from '../../../src/dashboard/page/cluster/sides.ts'
import type { NodeView } from '../../../src/node/api/node-api.ts'

type Status = NodeView['status']

/** Nodes in the order of their names: computer-a/1, and so on. */
function nodes(...statuses: Status[]): NodeView[] {
  return statuses.map(
    (status, n) => ({ name: `computer-a/${n + 1}`, id: `id-${n + 1}`, status }) as NodeView
  )
}

test.each([
  ['all are alive', nodes('alive', 'alive')],
  ['one crashed, which is proven', nodes('alive', 'alive', 'crashed')],
  ['one has left, and one was never seen', nodes('alive', 'left', null)]
])('nothing is said while %s', (_, members) => {
  expect(sidesOf(members, true)).toBeNull()
  expect(sidesOf(members, false)).toBeNull()
})

test('a majority is told what it will take over, and what the other side may not', () => {
  const members = nodes('alive', 'alive', 'unreachable', 'alive', 'crashed', 'left')
  expect(sidesOf(members, true)).toEqual([
    'This side sees 3 of 4 members, and not computer-a/3.',
    'It is a majority: what it cannot reach for long, it takes over.',
    'The other side, if there is one, sees 1 at most: it goes on with what it holds, and takes over nothing.'
  ])
})

test('a minority is told that it takes over nothing, and who may take over what it holds', () => {
  expect(sidesOf(nodes('alive', 'suspect', 'unreachable'), false)).toEqual([
    'This side sees 1 of 3 members, and not computer-a/2, computer-a/3.',
    'It is no majority: it goes on with what it holds, and takes over nothing.',
    'The other side may see 2: if these see each other they are a majority, and take over what is held here once it has been silent for long. When the cut has healed, all name one outcome.'
  ])
})

test('of many that are away some are named, and one without a name by its id', () => {
  const away = nodes('alive', ...Array.from({ length: 6 }, () => 'unreachable' as const))
  const [first] = sidesOf(
    [...away.slice(0, 1), { ...away[1]!, name: null }, ...away.slice(2)],
    false
  )!
  expect(first).toBe(
    'This side sees 1 of 7 members, and not id-2, computer-a/3, computer-a/4, computer-a/5 and 2 more.'
  )
})
