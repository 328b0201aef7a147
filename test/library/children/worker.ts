/** A node that takes commands, in a process of its own, to be killed. Argument: its options as JSON. Says when it works. */
import { createNode, type NodeOptions } from '../../../src/index.ts'

const node = await createNode(JSON.parse(process.argv[2] ?? '') as NodeOptions)
await node.startWorker()
process.send?.('works')
