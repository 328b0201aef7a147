/** Preloaded: names every module of a package that is loaded from here on, on stderr. */
import { registerHooks } from 'node:module'
import { writeSync } from 'node:fs'

registerHooks({
  load(url, context, nextLoad) {
    if (url.includes('/node_modules/')) writeSync(2, `${url}\n`)
    return nextLoad(url, context)
  }
})
