/** The layout of a graph, by a worker that is started when the first graph is looked at. */
// oxlint-disable-next-line import/default -- the build makes it: an address, see modules.d.ts
import workerFile from './worker.ts?worker&url'
import type { Layout, Question } from './shapes.ts'

type ScriptAddress = Readonly<{ createScriptURL: (address: string) => string }>
type PolicyFactory = Readonly<{
  createPolicy: (name: string, rules: ScriptAddress) => ScriptAddress
}>

/** Browsers that know of such policies refuse an address that none has passed; this one passes one alone. */
const policies = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes
const policy = policies?.createPolicy('hearsay', {
  createScriptURL: address => {
    if (address === workerFile) return address
    throw new TypeError('that is no file of this page')
  }
})

/** @param gone ends it */
export function askLayout(question: Question, gone: AbortSignal): Promise<Layout> {
  const address = policy?.createScriptURL(workerFile) ?? workerFile
  const worker = new Worker(address, { type: 'module' })
  return new Promise<Layout>((resolve, reject) => {
    worker.addEventListener('message', ({ data }: MessageEvent<Layout>) => resolve(data))
    worker.addEventListener('error', () => reject(new Error('the layout of the graph has failed')))
    gone.addEventListener('abort', () => reject(gone.reason as Error))
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
    worker.postMessage(question)
  }).finally(() => worker.terminate())
}
