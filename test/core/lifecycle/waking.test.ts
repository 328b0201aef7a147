/** A node that stood still for so long that others have taken its work: it hears of that before it goes on. */
import { describe, expect, test } from 'vitest'
import { announce, passing, starts } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import '../forbid.ts'

const { unreachableMs } = CORE_DEFAULTS
const ASLEEP_MS = unreachableMs + 5000

type Nodes = [PumpNode, PumpNode, PumpNode]

function cluster(): { pump: Pump; nodes: Nodes } {
  const pump = pumpOf(['a', 'b', 'c'].map(node => bootOf(node)))
  for (const node of pump.nodes) announce(pump, node)
  passing(pump, 3000)
  return { pump, nodes: pump.nodes as Nodes }
}

/** Nothing happens at a node any more; the others see its links close when they have waited long enough. */
function sleep(pump: Pump, node: PumpNode, ms: number): void {
  node.gone = true
  // It is there: nobody refuses in its place.
  pump.probing = false
  passing(pump, ms)
  for (const other of pump.alive()) if (other.links.has(node.id)) pump.link(other, node, false)
  pump.settle()
}

function wake(pump: Pump, node: PumpNode): void {
  node.gone = false
  node.feed({ kind: 'tick' })
  pump.settle()
}

/** A task that waits at a, behind one that runs there; what has become of it at b when a wakes. */
function completedElsewhere(): { pump: Pump; nodes: Nodes; task: string; running: string } {
  const { pump, nodes } = cluster()
  const [a, b] = nodes
  a.worker(1)
  const running = a.submit()
  const task = a.submit()
  passing(pump, 1000)
  sleep(pump, a, 500)
  b.worker(2)
  passing(pump, ASLEEP_MS)
  b.end(task)
  passing(pump, 1000)
  expect(b.state(task)).toBe('completed')
  return { pump, nodes, task, running }
}

describe('a node that wakes', () => {
  test('starts nothing that has completed elsewhere: it links first, and hears of it', () => {
    const { pump, nodes, task, running } = completedElsewhere()
    const [a, b, c] = nodes
    wake(pump, a)
    a.end(running)
    pump.settle()
    expect(a.core.view.pausedBy).toBe('waking')
    for (const other of [b, c]) pump.link(a, other)
    passing(pump, 1000)
    expect(a.core.view.pausedBy).toBeNull()
    expect(a.state(task)).toBe('completed')
    expect(starts(a, task)).toEqual([])
  })

  test('takes no word for an answer that was said before', () => {
    const { pump, nodes, task, running } = completedElsewhere()
    const [a, b] = nodes
    const old = b.sent('heartbeat').find(({ boot }) => boot === b.boot)!
    wake(pump, a)
    a.feed({ kind: 'message', from: b.id, message: { kind: 'introduction', heartbeat: old } })
    a.end(running)
    pump.settle()
    expect(starts(a, task)).toEqual([])
    expect(a.core.view.pausedBy).toBe('waking')
  })

  test('hands nothing out, takes nothing over and asks for nothing meanwhile', () => {
    const { pump, nodes } = completedElsewhere()
    const [a, b] = nodes
    wake(pump, a)
    const before = a.effects.length
    const want = { request: 1, boot: b.boot, want: 5, handlers: ['work'], labels: {} }
    a.feed({ kind: 'message', from: b.id, message: { kind: 'steal', ...want } })
    passing(pump, 1000)
    const said = a.effects.slice(before).flatMap(e => (e.kind === 'send' ? [e.message] : []))
    expect(said.filter(({ kind }) => kind === 'steal')).toEqual([])
    expect(said.filter(m => m.kind === 'grant' && m.records.length > 0)).toEqual([])
  })

  test('goes on when those whom it asks stay silent for so long that they are gone themselves', () => {
    const { pump, nodes, task, running } = completedElsewhere()
    const [a] = nodes
    wake(pump, a)
    a.end(running)
    passing(pump, unreachableMs - 1000)
    expect(starts(a, task)).toEqual([])
    passing(pump, 2000)
    expect(starts(a, task)).toEqual([0])
  })

  test('goes on at once where there is nobody else, and after a nap that nobody noticed', () => {
    const alone = pumpOf([bootOf('a')])
    const [a] = alone.nodes as [PumpNode]
    alone.pass(60_000)
    a.worker(1)
    const task = a.submit()
    expect(starts(a, task)).toEqual([0])
    const { pump, nodes } = cluster()
    sleep(pump, nodes[0], 3000)
    nodes[0].gone = false
    nodes[0].worker(1)
    expect(nodes[0].core.view.pausedBy).toBeNull()
  })
})
