/** What depends on what, read back from a disk, where tasks lie in no particular order. */
import { expect, test } from 'vitest'
import { pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

test('a task that is read before the one that it depends on waits for it all the same', () => {
  const pump = pumpOf([bootOf('a')])
  const [a] = pump.nodes as [PumpNode]
  const needed = a.submit({ type: 'rare' })
  const waiting = a.submit({ dependsOn: [needed], onDependencyFailure: 'run' })
  // Once this has been read, so have all writes before it, as far as the vector tells.
  const last = a.submit({ type: 'rare' })
  pump.settle()
  const { tasks } = a.disk
  const inOrder = [last, waiting, needed].map(id => tasks.get(id)!)
  tasks.clear()
  for (const task of inOrder) tasks.set(task.record.spec.id, task)
  pump.crash(a)
  const again = pump.restart(a, bootOf('a', 2))
  again.worker(1)
  for (let i = 0; i < 50; i++) pump.pass(200)
  expect(again.record(waiting).claim.holder).toBe(bootOf('a', 2))
  expect(again.state(waiting)).toBe('waiting')
  again.worker(1, ['work', 'rare'])
  again.end(needed)
  pump.settle()
  expect(again.state(waiting)).toBe('running')
})
