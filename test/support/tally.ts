/**
 * A reporter that ends a run with one line for machines: `12 passed, 0 failed`, with `, 3 skipped` if there are any.
 *
 * Whatever makes a run red is counted as failed, so that the line and the exit code never disagree: a file that could
 * not be loaded has no tests to count, and an error that nobody caught belongs to no test.
 */
import type { Reporter, TestModule } from 'vitest/node'

export type Tally = { passed: number; failed: number; skipped: number }

/** The one line. */
export function tallyLine({ passed, failed, skipped }: Tally): string {
  const line = `${passed} passed, ${failed} failed`
  return skipped === 0 ? line : `${line}, ${skipped} skipped`
}

/** Counts the tests of a run. `uncaught` is the number of errors that belong to no test. */
export function tally(modules: readonly TestModule[], uncaught: number): Tally {
  const sum: Tally = { passed: 0, failed: uncaught, skipped: 0 }
  for (const module of modules) {
    let failed = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') sum.passed++
      else if (state === 'skipped') sum.skipped++
      else failed++
    }
    if (failed === 0 && !module.ok()) failed = 1
    sum.failed += failed
  }
  return sum
}

export class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], uncaught: readonly unknown[]): void {
    // Written when the process ends: the default reporter's summary comes later than this call.
    process.once('exit', () => {
      process.stdout.write(`${tallyLine(tally(modules, uncaught.length))}\n`)
    })
  }
}
