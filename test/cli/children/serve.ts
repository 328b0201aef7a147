/**
 * `hearsay start` with a node that has no network. Arguments: data folder, how it leaves (`well`, `never`, `at-once`),
 * `--json`, `--reload` or `--until-stdin-ends`.
 * On SIGUSR2 its node tells of an event.
 */
import { serve } from '../../../src/cli/node/serve.ts'
import { Terminal } from '../../../src/cli/terminal.ts'
import { FakeNode } from '../../api/fake-node.ts'

const [folder = '', leaving = 'well', flag] = process.argv.slice(2)

class Worker extends FakeNode {
  readonly closed = new Promise<null>(() => {})
  readonly #left = Promise.withResolvers<void>()

  startWorker(): Promise<void> {
    return leaving === 'unable' ? Promise.reject(new TypeError('no worker')) : Promise.resolve()
  }

  override async leave(graceMs?: number): Promise<void> {
    await super.leave(graceMs)
    console.error(`leaving within ${graceMs} ms`)
    const stays = leaving === 'never' || (leaving === 'at-once' && graceMs !== 0)
    if (stays) await this.#left.promise
    if (leaving === 'at-once') this.#left.resolve()
  }
}

const node = new Worker()
process.on('SIGUSR2', () => node.emit('node:unreachable', { nodeName: 'computer-b/2' }))
await serve(
  {
    create: () => Promise.resolve(node),
    folder,
    json: flag === '--json',
    logLevel: 'info',
    graceMs: 30_000,
    untilStdinEnds: flag === '--until-stdin-ends',
    ...(flag === '--reload'
      ? { reload: async () => ({ ...(await node.reloadHandlers()), notes: ['labels are read'] }) }
      : {})
  },
  new Terminal(process)
)
