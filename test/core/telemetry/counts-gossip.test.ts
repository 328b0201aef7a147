/** What the boots of a cluster have counted, together: nothing twice, nothing forgotten because somebody is gone. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BootId } from '../../../src/core/base/ids.ts'
import { Counters } from '../../../src/core/telemetry/counters.ts'
import { Ledger, messagesOf } from '../../../src/core/telemetry/ledger.ts'
import type { Counts } from '../../../src/core/message.ts'
import { COUNTS_BOOTS_MAX } from '../../../src/core/options.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

const BOOTS = ['a', 'b', 'c'].map(node => bootOf(node))
const REPEAT_MS = 40_000

function completed(node: PumpNode, of: 'node' | 'cluster' = 'cluster'): number {
  return [...node.core.view.totals(of).values()].reduce((sum, type) => sum + type.completed, 0)
}

function runTasks(pump: Pump, node: PumpNode, count: number): void {
  node.worker(count)
  const ids = Array.from({ length: count }, () => node.submit({ type: 'work' }))
  pump.settle()
  for (const id of ids) node.end(id)
  pump.settle()
}

describe('counts', () => {
  test('of all nodes are known to each of them', () => {
    const pump = pumpOf(BOOTS)
    runTasks(pump, pump.nodes[0]!, 2)
    runTasks(pump, pump.nodes[1]!, 3)
    pump.pass(3000)
    expect(pump.nodes.map(node => completed(node))).toEqual([5, 5, 5])
    expect(pump.nodes.map(node => completed(node, 'node'))).toEqual([2, 3, 0])
    expect(pump.nodes[2]!.core.view.totals('cluster').get('work')!.runs.count).toBe(5)
  })

  test('arrive in the end if gossip about them is lost', () => {
    const pump = pumpOf(BOOTS)
    pump.lose = (_from, _to, { kind }) => kind === 'counts'
    runTasks(pump, pump.nodes[0]!, 1)
    pump.pass(3000)
    expect(completed(pump.nodes[1]!)).toBe(0)
    pump.lose = () => false
    pump.pass(REPEAT_MS)
    expect(completed(pump.nodes[1]!)).toBe(1)
  })

  test('of a node that is gone stay, and reach whoever comes later', () => {
    const pump = pumpOf(BOOTS)
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    runTasks(pump, a, 2)
    pump.pass(3000)
    pump.crash(a)
    const late = pump.add(bootOf('z'))
    pump.link(late, b)
    pump.settle()
    expect([completed(b), completed(late)]).toEqual([2, 2])
  })

  test('of a node that leaves are complete when it has said goodbye', () => {
    const pump = pumpOf(BOOTS)
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    runTasks(pump, a, 2)
    a.feed({ kind: 'leave', abort: false })
    pump.settle()
    expect(a.of('left')).toHaveLength(1)
    expect(completed(b)).toBe(2)
  })

  test('of a restarted node are those of both of its boots', () => {
    const pump = pumpOf(BOOTS)
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    runTasks(pump, a, 2)
    pump.pass(3000)
    pump.crash(a)
    const again = pump.restart(a, bootOf('a', 2000))
    pump.settle()
    runTasks(pump, again, 1)
    pump.pass(3000)
    expect([completed(b), completed(again), completed(again, 'node')]).toEqual([3, 3, 1])
  })

  test('are not gossiped by a node that has counted nothing', () => {
    const pump = pumpOf(BOOTS)
    for (let i = 0; i < 100; i++) pump.pass(1000)
    expect(pump.nodes.flatMap(node => node.sent('counts'))).toEqual([])
  })
})

type Step = Readonly<{ boot: number; to: number; kind: 'run' | 'tell' | 'relay' | 'repeat' }>

const step: fc.Arbitrary<Step> = fc.record({
  boot: fc.nat({ max: 2 }),
  to: fc.nat({ max: 2 }),
  kind: fc.constantFrom('run', 'run', 'tell', 'relay', 'repeat')
})

function sumOf(ledger: Ledger): number {
  return [...ledger.all()].reduce((sum, { completed: count }) => sum + count, 0)
}

/** Three boots that run tasks and tell each other, by roads that lose, repeat and reorder. */
class Model {
  readonly counters = BOOTS.map(() => new Counters())
  readonly ledgers = BOOTS.map(() => new Ledger())
  readonly #said: Counts[] = []
  #sequence = 0
  runs = 0

  take({ boot, to, kind }: Step): void {
    if (kind === 'run') {
      this.runs++
      const outcome = { status: 'completed', reason: null } as never
      const record = { spec: { type: `type-${to}` }, claim: { cause: 'submit' } } as never
      this.counters[boot]!.wrote(record, { outcome })
    } else if (kind === 'tell') {
      this.tell(boot, [to])
    } else if (kind === 'relay') {
      for (const message of this.ledgers[boot]!.messages()) this.ledgers[to]!.take(message)
    } else {
      const old = this.#said[this.runs % Math.max(1, this.#said.length)]
      if (old !== undefined) this.ledgers[to]!.take(old)
    }
  }

  tell(boot: number, to: readonly number[]): void {
    for (const message of messagesOf(
      BOOTS[boot]!,
      ++this.#sequence,
      this.counters[boot]!.types()
    )) {
      this.#said.push(message)
      for (const receiver of to) this.ledgers[receiver]!.take(message)
    }
  }
}

describe('the sum over all boots', () => {
  test('never exceeds what was done, and is exact once each has been heard', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), steps => {
        const model = new Model()
        for (const each of steps) {
          model.take(each)
          for (const ledger of model.ledgers) expect(sumOf(ledger)).toBeLessThanOrEqual(model.runs)
        }
        for (const [boot] of BOOTS.entries()) model.tell(boot, [0, 1, 2])
        for (const each of steps) if (each.kind === 'repeat') model.take(each)
        expect(model.ledgers.map(sumOf)).toEqual([model.runs, model.runs, model.runs])
      })
    )
  })

  test('forgets the oldest boots beyond a bound, those that are gone first', () => {
    const ledger = new Ledger()
    const counted = new Counters()
    counted.ran('work', 1)
    const boots: BootId[] = Array.from({ length: COUNTS_BOOTS_MAX + 2 }, (_, i) =>
      bootOf('n', i + 1)
    )
    for (const boot of boots) {
      for (const message of messagesOf(boot, 1, counted.types())) ledger.take(message)
    }
    ledger.bound(boot => boot !== boots[0])
    const kept = [...ledger.messages()].map(({ boot }) => boot)
    expect(kept).toEqual([boots[0], ...boots.slice(3)])
  })
})
