/**
 * A node that submits, and waits for results. Argument, as JSON: as of a worker; `others`, how many there are to meet;
 * `works`, whether it also runs tasks.
 */
import type * as hearsay from '../../../../src/index.ts'
import { until } from '../../../support/until.ts'
import { drive } from '../drive.ts'
import type { Ran } from '../order.ts'
import { task } from './handler.js'

type Given = { product: string; options: hearsay.NodeOptions; others: number; works: boolean }

const given = JSON.parse(process.argv[2] ?? '{}') as Given
const { createNode } = (await import(given.product)) as typeof hearsay
const node = await createNode(given.options)
if (given.works) {
  node.registerTaskHandler('task', task)
  await node.startWorker()
}
const met = (): number =>
  node.nodes().filter(({ self, connected, synced }) => !self && connected && synced).length
await until(() => met() === given.others, 'all nodes to meet', 60_000)

drive({
  run: async one => (await node.waitForTask(await node.createTask('task', one))) as Ran,
  runAll: (all, onRan) =>
    Promise.all(
      all.map(async one => {
        const id = await node.createTask('task', one)
        onRan((await node.waitForTask(id)) as Ran)
      })
    ),
  leave: () => node.leave(0)
})
