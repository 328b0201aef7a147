/** Preloaded: names every module of a package that is loaded from here on, on stderr, and Node's own fetch if it is. */
import { registerHooks } from 'node:module'
import { writeSync } from 'node:fs'

registerHooks({
  load(url, context, nextLoad) {
    if (url.includes('/node_modules/')) writeSync(2, `${url}\n`)
    return nextLoad(url, context)
  }
})
process.on('exit', () => {
  const { moduleLoadList } = process as unknown as { moduleLoadList: readonly string[] }
  if (moduleLoadList.some(name => name.endsWith('undici'))) writeSync(2, 'node_modules/undici\n')
})
