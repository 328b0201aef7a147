/** Starts one node of the demo in the folder given, says when it is ready, and waits to be killed. */
import { DemoNodes } from '../../../src/demo/nodes.ts'

const nodes = new DemoNodes(1, process.argv[2] ?? '')
await nodes.start(false)
console.log('ready')
await nodes.failed
