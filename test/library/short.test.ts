/** Short programs: they submit, and are gone before they have met anybody. */
import { afterEach, expect, test } from 'vitest'
import { createNode } from '../../src/index.ts'
import { adopt, endAll, privateOptions, startNode } from './nodes.ts'

afterEach(endAll)

test('a node that leaves with what nobody else has says so, and where it is; it goes on from there', async () => {
  const options = await privateOptions()
  const node = await createNode(options)
  const { id, acks, warnings } = await node.submit('greet', 'you')
  expect(acks).toBe(0)
  expect(warnings.join()).toMatch(/on the disk of this one only/)
  await expect(node.leave(100)).rejects.toMatchObject({
    name: 'TasksLeftBehindError',
    tasks: 1,
    data: options.data
  })
  const again = await createNode(options)
  adopt(again)
  again.registerTaskHandler('greet', (name: string) => `hello ${name}`)
  await again.startWorker()
  expect(await again.waitForTask(id)).toBe('hello you')
  await again.leave()
})

test('a node that leaves waits for somebody who takes its tasks', async () => {
  const node = await createNode(await privateOptions())
  const { addresses } = node
  const id = await node.createTask('greet', 'you')
  const left = node.leave(60_000)
  const other = await createNode(await privateOptions({ peers: [...addresses] }))
  adopt(other)
  await left
  expect(other.task(id).state).toBe('queued')
})

test('a node is ready when others are connected, or says that they are not', async () => {
  const a = await startNode()
  await expect(a.ready({ members: 1, timeout: 50 })).rejects.toMatchObject({
    name: 'NotReadyError'
  })
  await expect(a.ready({ members: -1 })).rejects.toMatchObject({ name: 'InvalidOptionError' })
  const ready = a.ready({ members: 1 })
  await startNode()
  await ready
  expect((await a.submit('greet', 'you')).acks).toBe(1)
})
