#!/usr/bin/env node
// Checked before anything else is imported: on an older Node the imports themselves would fail
// with a message that helps nobody.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `hearsay needs Node 22.18 or newer, this is ${process.version}: install a newer Node (https://nodejs.org) or, in a checkout, use npx hearsay`
  )
  process.exit(2)
}
const { existsSync } = await import('node:fs')
if (!existsSync(new URL('../dist/cli/main.js', import.meta.url))) {
  console.error('hearsay is not built yet: run "npm run build" where package.json is')
  process.exit(2)
}
const { enableCompileCache } = await import('node:module')
enableCompileCache()
const { main } = await import('../dist/cli/main.js')
process.exitCode = await main(process.argv.slice(2))
