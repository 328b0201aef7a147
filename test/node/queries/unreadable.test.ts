/** What a node could not read: by whom it is, and how it is said. */
import { expect, test } from 'vitest'
import { unreadableOf, UnreadableWarnings } from '../../../src/node/queries/unreadable.ts'
import type { UnreadableView } from '../../../src/node/api/node-api.ts'
import { bootOf } from '../../support/tasks.ts'

const view: UnreadableView = {
  node: 'b/2',
  id: 'b',
  writes: 1,
  readers: ['1.0.0'],
  writer: '2.0.0',
  stuck: false
}

test('it is counted by the nodes that wrote it, with the versions of hearsay that could not read it', () => {
  const boots = [bootOf('b'), bootOf('b', 2)] as const
  const spans = [
    { origin: boots[0], after: 0, upTo: 3, by: '1.0.0' },
    { origin: boots[1], after: 4, upTo: 5, by: '' }
  ]
  const core = { unreadable: () => spans, stuck: [bootOf('c')], member: () => undefined }
  expect(unreadableOf(core, id => `${id}/1`)).toEqual([
    { ...view, node: 'b/1', writes: 4, writer: null },
    { ...view, node: 'c/1', id: 'c', writes: 0, readers: [], writer: null, stuck: true }
  ])
})

test('it is said once of each node, and once more when nothing more of it is taken in', () => {
  const said: string[] = []
  let now = [view]
  const warnings = new UnreadableWarnings(
    () => now,
    line => void said.push(line)
  )
  warnings.look()
  now = [
    { ...view, writes: 7 },
    { ...view, id: 'c', node: 'c/3' }
  ]
  warnings.look()
  now = [{ ...view, writes: 8, stuck: true }]
  for (let i = 0; i < 3; i++) warnings.look()
  expect(said).toEqual([
    '1 record of b/2 (hearsay 2.0.0) cannot be read here; "hearsay doctor" tells more',
    '1 record of c/3 (hearsay 2.0.0) cannot be read here; "hearsay doctor" tells more',
    '8 records of b/2 (hearsay 2.0.0) cannot be read here, and nothing more of it is taken in: there are too many; "hearsay doctor" tells more'
  ])
})
