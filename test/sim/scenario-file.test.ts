/** Scenario files: what is in the repository is sound, and a slip in one is refused by name. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  checkScenario,
  readScenario,
  SCENARIO_DEFAULTS,
  simulate,
  type Scenario
} from '../../src/sim/index.ts'
import { failureOf } from './support/failure.ts'

const folder = fileURLToPath(new URL('../../config/sim/', import.meta.url))
const files = await readdir(folder)
/** A scenario with this many tasks takes as long as five others. */
const LARGE_TASKS = 1000
/** Measured: the largest takes 5 to 20 s, depending on what else runs. */
const TEST_MS_MAX = 90_000

describe('the scenarios that come along', () => {
  test.each(files)(
    '%s keeps all invariants',
    async file => {
      const scenario = await readScenario(join(folder, file))
      const seeds = scenario.tasks < LARGE_TASKS ? 5 : 1
      for (let seed = 1; seed <= seeds; seed++)
        expect(failureOf(simulate(seed, scenario))).toBeNull()
    },
    TEST_MS_MAX
  )

  test('default.json is the default scenario', async () => {
    expect(await readScenario(join(folder, 'default.json'))).toEqual(SCENARIO_DEFAULTS)
  })
})

describe('a scenario', () => {
  test('has the defaults for whatever it does not name, also inside the network', () => {
    const scenario: Scenario = checkScenario({ nodes: 3, network: { gossipLoss: 1 } })
    const network = { ...SCENARIO_DEFAULTS.network, gossipLoss: 1 }
    expect(scenario).toEqual({ ...SCENARIO_DEFAULTS, nodes: 3, network })
  })

  test('may have wrong clocks and newcomers who have not heard what time it is', () => {
    const scenario = { wrongClocks: 1, uncommon: 0.5, busyMs: 8000, retentionMs: 1e9 }
    for (let seed = 1; seed <= 4; seed++) expect(failureOf(simulate(seed, scenario))).toBeNull()
  })

  test.each([
    [{ node: 3 }, /^node is no setting of a scenario: did you mean nodes\?$/],
    [{ network: { loss: 1 } }, /^network\.loss is no setting .* network\.gossipLoss\?$/],
    [{ nodes: 0 }, /^nodes cannot be 0: allowed is a whole number from 1 to 50$/],
    [{ nodes: '3' }, /^nodes cannot be "3"/],
    [{ tasks: 1.5 }, /^tasks cannot be 1.5/],
    [{ failing: 1.01 }, /^failing cannot be 1.01: allowed is a number from 0 to 1$/],
    [{ failing: null }, /^failing cannot be null/],
    [{ arrival: 'late' }, /^arrival cannot be "late": allowed is scattered, one-by-one, at-once$/],
    [{ types: [] }, /^types cannot be \[\]/],
    [{ types: ['a', 'a'] }, /different texts/],
    [{ crashAll: 'yes' }, /true or false/],
    [{ network: [] }, /^network cannot be \[\]/],
    [{ nodes: 3, late: 4 }, /^late is 4, more than nodes, which is 3$/],
    [
      { nodes: 4, wrongClocks: 2 },
      /^wrongClocks is 2, more than a minority of the nodes, which is 1$/
    ],
    [{ crashes: 1, disksLost: 2 }, /^disksLost is 2, more than crashes/],
    [{ network: { delayMsMin: 100 } }, /^network.delayMsMin is 100, more than/],
    [{ nodes: 4, deaths: 2 }, /^deaths is 2, more than what leaves a majority, which is 1$/],
    [{ keyed: 1, again: 1 }, /^no invariant is about that: a key that comes again .* retentionMs/],
    [{ keyed: 1, pauses: 1 }, /^no invariant is about that: a node that stands still/],
    [{ wrongClocks: 1 }, /^no invariant is about that: whoever has just started .* own clock/],
    [{ clockSteps: 1 }, /^no invariant is about that: a clock that is set wrong/],
    [{ lies: 1 }, /^no invariant is about that: .* with lies, no link may break/],
    [{ damages: 1, skewMsMax: 5 }, /^no invariant is about that: whose disk does not tell/],
    [{ clones: 1, nodes: 2 }, /^no invariant is about that: .* somebody else has to stay/],
    [{ clones: 1, pauses: 1 }, /^no invariant is about that: .* taken for gone/],
    [{ fullDisks: 1, skewMsMax: 5 }, /^no invariant is about that: a full disk does not take/],
    [{ clones: 1, damages: 1 }, /^no invariant is about that: which of two processes/],
    [{ expects: 1, nodes: 2 }, /^no invariant is about that: an instance that has left/],
    [{ toString: 1 }, /^toString is no setting/],
    [[], /has to be an object/],
    [null, /has to be an object/],
    ['nodes', /has to be an object/]
  ])('cannot be %j', (settings, message) => {
    expect(() => checkScenario(settings)).toThrow(
      expect.objectContaining({
        name: 'InvalidOptionError',
        message: expect.stringMatching(message)
      })
    )
  })

  test('in a file is refused with the name of the file', async () => {
    const own = await mkdtemp(join(tmpdir(), 'hearsay-scenario-'))
    onTestFinished(() => rm(own, { recursive: true }))
    const file = join(own, 'slip.json')
    await expect(readScenario(file)).rejects.toThrow(/slip.json cannot be read \(ENOENT\)/)
    await writeFile(file, '{ nodes: 3 }')
    await expect(readScenario(file)).rejects.toThrow(/slip.json is not JSON/)
    await writeFile(file, '{ "nods": 3 }')
    await expect(readScenario(file)).rejects.toThrow(/slip.json: nods is no setting/)
  })
})
