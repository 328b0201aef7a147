/**
 * One node of a benchmark, in a process of its own. Argument: its options as JSON. Says over IPC when it is there, what it
 * has used so far, and where its time went.
 */
import { once } from 'node:events'
import { createNode } from '../../../src/create-node.ts'
import type { NodeOptions } from '../../../src/node-options.ts'
import type { Answer, Question } from '../cluster.ts'
import { sleep } from '../sleep.ts'
import { Profile } from '../profile.ts'
import { ownRestingUsage, ownUsage } from '../usage.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as NodeOptions & { data: string }
const node = await createNode(options)
node.registerTaskHandler('noop', () => null)
node.registerTaskHandler('sleep', sleep)
// Runs until it is aborted.
node.registerTaskHandler('hold', (_, { signal }: { signal: AbortSignal }) => once(signal, 'abort'))
await node.startWorker()
const profile = new Profile()

async function answer(question: Question): Promise<Answer> {
  switch (question) {
    case 'usage':
      return ownUsage(options.data)
    case 'resting':
      return ownRestingUsage(options.data)
    case 'kept':
      return [...node.tasks()].length
    case 'met':
      return node.nodes().filter(({ connected, synced }) => connected && synced).length
    case 'profile':
      await profile.start()
      return null
    case 'profiled':
      return profile.stop()
    case 'leave':
      await node.leave(0)
      process.disconnect()
      return null
  }
}

process.on('message', (question: Question) => {
  void answer(question).then(value => process.connected && process.send?.({ question, value }))
})
// Whoever asked is gone: nobody would end this node otherwise.
// oxlint-disable-next-line no-process-exit -- what it does is of no use to anybody
process.once('disconnect', () => process.exit())
process.send?.({ question: 'ready', value: node.addresses })
