/** A program with two nodes that leave at a signal, while a task runs that takes its time. */
import { createNode } from '../../../src/index.ts'
import { newKey } from '../../../src/key.ts'

const [folder, ms] = process.argv.slice(2)
const key = newKey()
const options = { key, mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'], logLevel: 'silent' } as const
const a = await createNode({ ...options, computer: 'a', data: `${folder}/a`, signals: true })
const b = await createNode({
  ...options,
  computer: 'b',
  data: `${folder}/b`,
  peers: a.addresses,
  signals: true
})
await b.ready({ members: 1 })
b.registerTaskHandler('rests', async () => {
  console.log('running')
  await new Promise(resolve => setTimeout(resolve, Number(ms)))
  console.log('finished')
})
await b.startWorker()
void Promise.all([a.closed, b.closed]).then(() => console.log('closed'))
await a.createTask('rests', null)
