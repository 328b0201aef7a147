/** What becomes of a task is told on every node, by whichever road the news of it came. */
import { expect, test } from 'vitest'
import type { TaskId } from '../../../src/core/base/ids.ts'
import { announce, cluster, first, passing } from '../../support/crashes.ts'
import { bootOf } from '../../support/tasks.ts'
import type { PumpNode } from '../../support/pump.ts'

/** Names of events, who did it, and from whom. */
function story(node: PumpNode, id: TaskId): string[] {
  return node.of('notify').flatMap(({ event }) => {
    if (!('by' in event) || event.taskId !== id) return []
    const { name, by, attempt, from } = event
    const rest = from ? ` from ${from}` : ''
    return [`${name.slice('task:'.length)} ${attempt} ${by}${rest}`]
  })
}

test('from its submission over a failed attempt to the next start', () => {
  const { of, settle } = bound(2)
  const [a, b] = of as [PumpNode, PumpNode]
  const id = a.submit({ maxRetries: 1 })
  settle()
  b.worker(1)
  settle()
  b.fail(id)
  settle()
  for (const node of [a, b]) {
    expect(story(node, id)).toEqual([
      `submitted 1 ${a.boot}`,
      `queued 1 ${a.boot}`,
      `stolen 1 ${b.boot} from ${a.boot}`,
      `started 1 ${b.boot}`,
      `retrying 2 ${b.boot}`
    ])
  }
})

test('with the attempt that a start was of, also if the next one is known as soon', () => {
  const { of, pump, settle } = bound(2)
  const [a, b] = of as [PumpNode, PumpNode]
  b.worker(1)
  const id = a.submit({ maxRetries: 1 })
  pump.lose = (from, to, { kind }) => from === b.id && to === a.id && kind === 'batch'
  pump.mute.add(b.id)
  settle()
  b.fail(id)
  pump.lose = () => false
  pump.mute.clear()
  passing(pump, 3000)
  expect(story(b, id)).toContain(`started 1 ${b.boot}`)
  expect(story(a, id)).toContain(`started 1 ${b.boot}`)
  expect(story(a, id)).toContain(`retrying 2 ${b.boot}`)
})

test('also who took over what a crashed node ran', () => {
  const pump = cluster(3)
  const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
  a.worker(1)
  const id = a.submit()
  pump.settle()
  for (const node of [b, c]) node.worker(1)
  pump.crash(a)
  passing(pump, 1000)
  const heir = first(id, [b, c])
  for (const node of [b, c]) {
    expect(story(node, id)).toContain(`reclaimed 1 ${heir.boot} from ${a.boot}`)
    expect(story(node, id).at(-1)).toBe(`started 1 ${heir.boot}`)
  }
})

test('but nothing is told again after a restart, nor of what was over before it came', () => {
  const { of, pump, settle } = bound(2)
  const [a, b] = of as [PumpNode, PumpNode]
  a.worker(1)
  const over = a.submit()
  settle()
  a.end(over)
  settle()
  const open = a.submit()
  settle()
  pump.crash(b)
  const again = pump.restart(b, bootOf('b', 2))
  announce(pump, a)
  settle()
  for (const id of [over, open]) expect(story(again, id)).toEqual([])
  const newcomer = pump.add(bootOf('z'))
  pump.link(newcomer, a)
  passing(pump, 3000)
  expect(newcomer.record(open).started).not.toBe(null)
  expect(story(newcomer, over)).toEqual([])
  expect(story(newcomer, open)).toEqual([`submitted 1 ${a.boot}`, `started 1 ${a.boot}`])
})

function bound(count: number): {
  pump: ReturnType<typeof cluster>
  of: PumpNode[]
  settle: () => void
} {
  const pump = cluster(count)
  return { pump, of: pump.of, settle: () => pump.settle() }
}
