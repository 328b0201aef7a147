/** The command line on its sources, as bin/hearsay.js runs it on what was built. */
import { main } from '../../../src/cli/main.ts'

process.exitCode = await main(process.argv.slice(2))
