/**
 * Schedules that go wrong with one mistake each in what is merged and forgotten, and that dice hardly ever throw: a vector
 * has to be lost, or a disk, or an answer to break off at one place of many.
 */
import { nodeOf } from '../../src/core/base/ids.ts'
import { Core } from '../../src/core/core.ts'
import { Log } from '../../src/core/log/log.ts'
import type { Message } from '../../src/core/message.ts'
import { pumpOf } from './pump.ts'
import { bootOf, idOf, taskOf } from './tasks.ts'

const A = bootOf('a')
const B = bootOf('b')
const RETENTION_MS = 1000

/**
 * Whether a node that is started again, with nobody else there, forgets a task whose retention is over.
 *
 * @param vectorIsLost its vector was damaged and is given up
 */
export function forgetsAlone(vectorIsLost: boolean): boolean {
  const options = { retainCompletedMs: RETENTION_MS }
  const pump = pumpOf([A], options)
  const a = pump.nodes[0]!
  a.worker(1)
  const id = a.submit()
  a.end(id)
  pump.settle()
  const { vector, tasks } = a.core.view.replica()
  const again = pumpOf([bootOf('a', 2)], options)
  const restored = again.nodes[0]!
  const known = vectorIsLost ? new Map<string, number>() : vector
  restored.core.restore({ tasks: [...tasks], vector: known, members: [] })
  if (restored.state(id) !== 'completed') throw new Error('the task was not restored')
  for (let i = 0; i < 100; i++) again.pass(RETENTION_MS / 5)
  return restored.record(id) === undefined
}

/**
 * Whether a node forgets what its own vector does not cover. What else its old boot has written nobody can tell but a
 * peer, and until one has, nothing would tell any more that the task is over.
 */
export function forgetsUncovered(): boolean {
  return forgetsAlone(true)
}

/** Whether two replicas differ that have heard equally much of an author: its last news came to one, and its disk is lost. */
export function keepsWhatNobodyCovers(): boolean {
  const author = new Log(A)
  for (const seq of [1, 2]) author.create(taskOf(A, seq))
  author.flushed(author.flush()!.flush)
  const [heard, other] = [new Log(B), new Log(bootOf('c'))]
  heard.merge(author.range(A, 1, 10_000)!)
  return heard.merged(A) === other.merged(A) && heard.size !== other.size
}

/**
 * Whether a node covers the end of a task that it has as open. b made the task, a has completed and forgotten it; of what
 * a has forgotten only the completion is named before the answer breaks off, and the task comes from somebody who was away.
 */
export function coversAnEndUnheard(): boolean {
  const z = new Core({ boot: bootOf('z'), name: 'test/z', version: '0.0.0', labels: {} })
  const hear = (message: Message): void =>
    void z.step(1000, { kind: 'message', from: nodeOf(A), message })
  // So that it asks.
  hear({ kind: 'batch', origin: A, after: 5, records: [], writes: [-1] })
  const end = { origin: A, after: 0, upTo: 1 }
  hear({ kind: 'forgotten', spans: [end], boots: [], more: true })
  z.step(1000, { kind: 'sync-ended', peer: nodeOf(A), whole: false })
  hear({ kind: 'batch', origin: A, after: 0, records: [], writes: [-1] })
  hear({ kind: 'batch', origin: B, after: 0, records: [taskOf(B, 1)], writes: [0] })
  return z.view.mergedVector().get(A) === 1 && z.view.record(idOf(B, 1))?.outcome === null
}
