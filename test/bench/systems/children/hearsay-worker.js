/**
 * A node that runs tasks. Argument, as JSON: `product`, what a program imports as hearsay; `handlers`, a module or null for
 * a function; `options` of the node.
 */
import { task } from './handler.js'
import { serve } from './serve.js'

/** @type {{ product: string, handlers: string | null, options: import('../../../../src/index.ts').NodeOptions }} */
const { product, handlers, options } = JSON.parse(process.argv[2] ?? '{}')
/** @type {typeof import('../../../../src/index.ts')} */
const { createNode } = await import(product)
const node = await createNode(options)
if (handlers === null) node.registerTaskHandler('task', task)
else await node.registerTaskHandler('task', handlers)
await node.startWorker()
serve(node.addresses, {
  leave: () => node.leave(0),
  order: () => node.nodes().filter(other => !other.self && other.connected && other.synced).length
})
