/** A hundred thousand messages of a member that invents everything leave a node as small as it was. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { DEPARTED_MAX, UNMET_MAX } from '../../../src/core/membership/member-list.ts'
import { ROSTER_MAX } from '../../../src/core/membership/roster.ts'

const child = fileURLToPath(new URL('children/flood.ts', import.meta.url))
/** Ten messages each. */
const ROUNDS = 10_000
/** Measured: 14 MB, 17 MB after a tenth of the rounds. With nothing bounded, the members alone are more. */
const HEAP_MB_MAX = 64
/** Measured: 16 s beside seven others on two cores. */
const TEST_MS_MAX = 160_000

test(
  'what members invent does not add up',
  async () => {
    const args = ['--expose-gc', child, String(ROUNDS)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const { heapMb, members, roster } = JSON.parse(stdout) as Record<string, number>
    expect(heapMb).toBeLessThan(HEAP_MB_MAX)
    expect(members).toBeLessThanOrEqual(DEPARTED_MAX + UNMET_MAX + 1)
    expect(roster).toBeLessThanOrEqual(ROSTER_MAX)
  },
  TEST_MS_MAX
)
