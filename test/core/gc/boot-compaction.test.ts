/** When an old boot leaves the version vectors, and what must not go with it. */
import { expect, test } from 'vitest'
import { RETIRED } from '../../../src/core/base/version-vector.ts'
import { announce, cluster, passing } from '../../support/crashes.ts'
import type { PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

test('a boot is not closed while an older one of its node has written what only its disk knows', () => {
  const pump = cluster(3)
  const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
  b.worker(1)
  pump.lose = from => from === 'a'
  const unheard = a.submit({ retentionMs: 0 })
  pump.settle()
  pump.crash(a)
  pump.lose = () => false

  // What the next boot writes is heard, and forgotten. What the old one wrote has to be asked for, and is not answered.
  pump.mute.add('a')
  const second = pump.restart(a, bootOf('a', 2))
  announce(pump, second)
  const heard = second.submit({ retentionMs: 0 })
  passing(pump, 200)
  b.end(heard)
  passing(pump, 400)
  pump.crash(second)
  passing(pump, 10_000)
  expect([b, c].map(node => node.state(heard))).toEqual(['unknown', 'unknown'])

  const third = pump.restart(second, bootOf('a', 3))
  passing(pump, 2000)
  pump.mute.clear()
  passing(pump, 10_000)
  const running = [b, c, third].map(node => node.state(unheard))
  expect(running).toEqual(['running', 'running', 'running'])
  // Once it is known and forgotten, its boot goes as well.
  b.end(unheard)
  passing(pump, 10_000)
  const vectors = [b, c, third].map(node => [...node.core.view.mergedVector()])
  for (const vector of vectors) expect(vector).toContainEqual([second.boot, RETIRED])
})
