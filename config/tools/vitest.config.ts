/**
 * How the tests run: one project per level of reality.
 *
 * `unit` touches at most the disk, a thread or a local socket; its files run side by side. `net` opens libp2p nodes and
 * `lan` whole clusters of processes: they come after it, one file at a time, because a cluster that fights another one
 * for the cores would fail its bounds for no fault of its own. A new folder below test/ belongs to `unit` by itself, so
 * that no test can be forgotten.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { TallyReporter } from '../../test/support/tally.ts'

const everyTest = 'test/**/*.test.ts'
const netTests = ['test/net/**/*.test.ts', 'test/library/**/*.test.ts']
const lanTests = ['test/lan/**/*.test.ts', 'test/chaos/**/*.test.ts']

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', new TallyReporter()],
    teardownTimeout: 10_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [everyTest],
          exclude: [...netTests, ...lanTests],
          testTimeout: 20_000,
          hookTimeout: 20_000,
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: {
          name: 'net',
          include: netTests,
          testTimeout: 45_000,
          hookTimeout: 45_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 }
        }
      },
      {
        extends: true,
        test: {
          name: 'lan',
          include: lanTests,
          testTimeout: 90_000,
          hookTimeout: 90_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 }
        }
      }
    ]
  }
})
