/**
 * `hearsay start` with a node that has no network. Arguments: data folder, how it leaves (`well`, `never`), `--json`.
 * On SIGUSR2 its node tells of an event.
 */
import { serve } from '../../../src/cli/serve.ts'
import { Terminal } from '../../../src/cli/terminal.ts'
import { FakeNode } from '../../api/fake-node.ts'

const [folder = '', leaving = 'well', json] = process.argv.slice(2)

class Worker extends FakeNode {
  startWorker(): Promise<void> {
    return leaving === 'unable' ? Promise.reject(new TypeError('no worker')) : Promise.resolve()
  }

  override async leave(graceMs?: number): Promise<void> {
    await super.leave(graceMs)
    console.error(`leaving within ${graceMs} ms`)
    if (leaving === 'never') await new Promise(resolve => setTimeout(resolve, 2 ** 31 - 1))
  }
}

const node = new Worker()
process.on('SIGUSR2', () => node.emit('node:unreachable', { nodeName: 'computer-b/2' }))
await serve(
  {
    create: () => Promise.resolve(node),
    folder,
    json: json === '--json',
    logLevel: 'info'
  },
  new Terminal(process)
)
