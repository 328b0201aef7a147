/**
 * How the tests run: one project per level of reality.
 *
 * `unit` touches at most the disk, a thread or a local socket. `net` opens libp2p nodes and `lan` whole clusters of
 * processes: they come after it, one project after the other, because a cluster that fights a dozen files for the cores
 * would fail its bounds for no fault of its own. Two files run side by side, of clusters, too: three took longer, each
 * LAN has namespaces of its own, and nodes on 127.0.0.1 have free ports and no mDNS. A new folder below test/ belongs to
 * `unit` by itself, so that no test can be forgotten.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { TallyReporter } from '../../test/support/tally.ts'

const everyTest = 'test/**/*.test.ts'
const netTests = [
  'test/net/**/*.test.ts',
  'test/library/**/*.test.ts',
  'test/mcp/**/*.test.ts',
  'test/examples/**/*.test.ts',
  'test/tracing/**/*.test.ts',
  'test/clients/**/*.test.ts',
  'test/bench/systems/**/*.test.ts',
  'test/versions/kept.test.ts'
]
const lanTests = [
  'test/lan/**/*.test.ts',
  'test/chaos/**/*.test.ts',
  'test/versions/mixed.test.ts',
  'test/dashboard/page/*.test.ts'
]

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
          sequence: { groupOrder: 2 }
        }
      }
    ]
  }
})
