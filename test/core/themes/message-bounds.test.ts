/** Every message that a node makes fits into its frame, and what a message makes a node do is in proportion to it. */
import { describe, expect, test } from 'vitest'
import { callsOf } from '../../support/counting.ts'
import { pumpOf } from '../../support/pump.ts'
import { bootOf, heartbeatOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { Core } from '../../../src/core/core.ts'
import type { Effect } from '../../../src/core/effect.ts'
import { VectorTurns } from '../../../src/core/replication/vector-turns.ts'
import { Members } from '../../../src/core/membership/members.ts'
import type { Message } from '../../../src/core/message.ts'
import { FRAME_BYTES_MAX, GRANT_TASKS_MAX, LIMITS } from '../../../src/core/options.ts'
import { decode, encode } from '../../../src/wire/codec.ts'

const [A, B, C] = [bootOf('a'), bootOf('b'), bootOf('c')]

/** Measured: 10 s with two hundred thousand tasks, three times that on a busy computer. */
const MANY_MS_MAX = 100_000

function coreOf(): { core: Core; hear: (message: Message, now?: number) => Effect[] } {
  const core = new Core({ boot: A, name: 'test/a', version: '0', labels: {} }, { quorum: 'any' })
  core.step(1000, { kind: 'link', peer: 'b', up: true })
  const hear = (message: Message, now = 1000): Effect[] =>
    core.step(now, { kind: 'message', from: 'b', message })
  hear(heartbeatOf(B))
  return { core, hear }
}

describe('a message fits into its frame', () => {
  test('if it is a vector of more boots than it may name: each names others, until all are named', () => {
    const count = 2.5 * LIMITS.vectorEntriesMax
    const vector = new Map(Array.from({ length: count }, (_, i) => [bootOf(`n${i}`), 1]))
    vector.set(A, 5)
    const turns = new VectorTurns()
    const heard = new Set<string>()
    for (let message = 0; message < 4; message++) {
      const some = turns.some(vector, A)
      expect(some.get(A)).toBe(5)
      for (const boot of some.keys()) heard.add(boot)
      for (const kind of ['ack', 'sync'] as const) {
        const bytes = encode({ kind, boot: A, vector: some })
        expect(bytes.length).toBeLessThan(FRAME_BYTES_MAX)
        expect(decode(bytes)).toMatchObject({ ok: true })
      }
    }
    expect(heard.size).toBe(vector.size)
  })

  test('if a node knows more boots than that from its disk: the request, and the first word on a link', () => {
    const core = new Core({ boot: A, name: 'test/a', version: '0', labels: {} })
    const boots = Array.from({ length: LIMITS.vectorEntriesMax + 100 }, (_, i) => bootOf(`n${i}`))
    core.restore({ tasks: [], vector: new Map(boots.map(boot => [boot, 1])), members: [] })
    const effects = [
      ...core.step(1000, { kind: 'link', peer: 'b', up: true }),
      ...core.step(1000, {
        kind: 'message',
        from: 'b',
        message: { kind: 'batch', origin: boots[0]!, after: 5, records: [], writes: [-1] }
      })
    ]
    const said = effects.flatMap(effect =>
      effect.kind === 'send' ? effect.message : effect.kind === 'sync' ? effect.request : []
    )
    expect(said.map(({ kind }) => kind)).toContain('sync')
    for (const message of said) expect(decode(encode(message))).toMatchObject({ ok: true })
  })

  test('if it hands on what prefers to be elsewhere: each part with as much as fits', () => {
    const pump = pumpOf([A, B])
    const [a, b] = pump.nodes as [(typeof pump.nodes)[0], (typeof pump.nodes)[0]]
    b.feed({ kind: 'labels', labels: { gpu: '1' } })
    pump.settle()
    const labels = { require: [], prefer: [{ label: 'gpu', anyOf: ['1'] }] }
    const payload = `"${'x'.repeat(8000)}"`
    for (let i = 0; i < 700; i++) a.submit({ payload, labels }, 0)
    pump.settle()
    b.worker(10_000)
    for (let i = 0; i < 5; i++) pump.pass(1000)
    const grants = a.sent('grant')
    expect(grants.reduce((sum, { records }) => sum + records.length, 0)).toBe(700)
    for (const grant of grants) {
      expect(grant.records.length).toBeLessThanOrEqual(GRANT_TASKS_MAX)
      expect(encode(grant).length).toBeLessThan(FRAME_BYTES_MAX)
    }
  })
})

describe('what a message makes a node do is in proportion to it', () => {
  test('one that asks for the same boots again and again is answered once', () => {
    const { hear } = coreOf()
    const sent = hear({ kind: 'who', boots: Array.from({ length: LIMITS.whoMax }, () => A) })
    expect(sent.filter(({ kind }) => kind === 'send')).toHaveLength(1)
  })

  test('questions that wait for a slow disk are no more than a number', () => {
    const { core, hear } = coreOf()
    const ids = [taskOf(B, 1).spec.id]
    hear({ kind: 'batch', origin: B, after: 0, records: [taskOf(B, 1)], writes: [0] })
    for (let i = 0; i < 10_000; i++) hear({ kind: 'find', boot: B, ids })
    const effects: Effect[] = []
    // One flush is on its way to disk already, and the next one holds the task.
    for (let flush = 1; flush <= 2; flush++) {
      effects.push(...core.step(2000, { kind: 'persisted', flush }))
    }
    const answers = effects.filter(
      effect => effect.kind === 'send' && effect.message.kind === 'found'
    )
    expect(answers.length).toBeGreaterThan(0)
    expect(answers.length).toBeLessThanOrEqual(256)
  })

  test('holders of whom nobody knows anything cost no count of votes each', () => {
    const { core, hear } = coreOf()
    const count = 500
    const records = Array.from({ length: count }, (_, i) => {
      const { claim } = taskOf(B, i + 1)
      return taskOf(B, i + 1, { claim: { ...claim, holder: bootOf(`invented${i}`) } })
    })
    const writes = records.map((_, i) => i)
    hear({ kind: 'batch', origin: B, after: 0, records, writes })
    core.step(3000, { kind: 'tick' })
    let asked = 0
    for (let now = 4000; now < 15_000; now += 1000) {
      hear(heartbeatOf(B, { at: now }), now)
      asked += callsOf(Members.prototype, 'hasQuorum', () => core.step(now, { kind: 'tick' }))
    }
    expect(asked).toBeLessThan(count)
  })

  test(
    'two hundred thousand tasks may wait for one',
    () => {
      const { core, hear } = coreOf()
      const first = taskOf(B, 1)
      hear({ kind: 'batch', origin: B, after: 0, records: [first], writes: [0] })
      const dependsOn = [first.spec.id]
      const portion = 8000
      for (let after = 1; after < 200_000; after += portion) {
        const records = Array.from({ length: portion }, (_, i) =>
          taskOf(B, after + i + 1, { spec: { dependsOn } })
        )
        const writes = records.map((_, i) => i)
        hear({ kind: 'batch', origin: B, after, records, writes })
      }
      const outcome = outcomeBy(C)
      const done = { ...first, outcome }
      hear({ kind: 'batch', origin: C, after: 0, records: [done], writes: [0] })
      expect(core.view.record(first.spec.id)).toMatchObject({ outcome })
      expect(core.view.isReady(taskOf(B, 150_000).spec.id)).toBe(true)
    },
    MANY_MS_MAX
  )
})
