/**
 * Counts the words of documents: a task each, one that merges, one that reports. Whichever nodes have the handlers run
 * them; this program only submits and waits, and could end in between.
 *
 *   node config/examples/documents/pipeline.ts http://127.0.0.1:8000/a.txt http://127.0.0.1:8000/b.txt
 */
import { createNode } from 'hearsay'
import type * as handlers from './handlers.ts'

const urls = process.argv.slice(2)
if (urls.length === 0) {
  console.error('which documents? Give their URLs')
  process.exit(2)
}

const node = await createNode<typeof handlers>({ instance: 'pipeline' })
await node.ready({ members: 1, timeout: '30s' })

const counts: string[] = []
for (const url of urls) {
  // Under a key: if this program is started again, the documents that are counted already are not counted anew.
  counts.push(await node.createTask('countWords', { url }, { idempotencyKey: `count ${url}` }))
}
// A document that cannot be had is left out of the report, and does not prevent it.
const merged = await node.createTask('merge', null, {
  dependsOn: counts,
  onDependencyFailure: 'run'
})
const report = await node.createTask(
  'report',
  { title: `Words of ${urls.length} documents` },
  { dependsOn: [merged], priority: 8 }
)
console.log(await node.waitForTask(report))
await node.leave()
