#!/bin/sh
':' //; if [ "$1" = start ]; then if [ -r /proc/self/status ]; then while read -r k v; do case $k$v in SigIgn:*[13579bdf]) export _HEARSAY_SIGHUP=ignored;; esac; done </proc/self/status; else case $(trap) in *HUP*) export _HEARSAY_SIGHUP=ignored;; esac; fi; fi; exec node "$0" "$@"
// The line above is a shell's, and nothing to Node. Node takes each signal as if nobody had told it to be ignored, so it is
// the shell that finds out whether "nohup" did: the last bit of SigIgn, or what "trap" lists. See src/cli/node/hang-up.ts.

// Checked before anything else is imported: on an older Node the imports themselves would fail
// with a message that helps nobody.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `hearsay needs Node 22.18 or newer, this is ${process.version}: install a newer Node (https://nodejs.org) or, in a checkout, use npx hearsay`
  )
  process.exit(2)
}
// From Node 24 on each thread may take 128 MiB for young objects, four times as much as before, and keeps them when it has
// been busy once. A node lives for long and shares its computer, so it begins anew with the bound of before, as the same process.
// And glibc keeps all that was ever freed below what is in use, up to 64 MiB, unless it is told at the start that 1 MiB
// is enough: that is 4 MiB of a node that has just started. What the node starts in its turn is not told.
const bound = '--max-semi-space-size'
const trim = 'MALLOC_TRIM_THRESHOLD_'
const trimBytes = String(2 ** 20)
const isBound = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some(flag =>
  flag.includes(bound)
)
if (process.argv[2] === 'start' && major >= 24 && !isBound && !process.channel && process.execve) {
  const { execPath, execArgv, argv, env } = process
  const args = [execPath, ...execArgv, `${bound}=16`, ...argv.slice(1)]
  process.execve(execPath, args, { [trim]: trimBytes, ...env })
}
if (process.env[trim] === trimBytes) delete process.env[trim]
const { existsSync } = await import('node:fs')
if (!existsSync(new URL('../dist/cli.js', import.meta.url))) {
  console.error('hearsay is not built yet: run "npm run build" where package.json is')
  process.exit(2)
}
const { enableCompileCache } = await import('node:module')
enableCompileCache()
const { main } = await import('../dist/cli.js')
process.exitCode = await main(process.argv.slice(2))
