/** The simulator's network and disk keep what libp2p and LevelDB do: what holds in a simulation holds outside. */
import { afterEach } from 'vitest'
import { SCENARIO_DEFAULTS } from '../../src/sim/scenario.ts'
import { Disk } from '../../src/sim/world/disk.ts'
import { Network } from '../../src/sim/world/network.ts'
import { Random } from '../../src/sim/world/random.ts'
import { journalContract } from '../contract/journal.ts'
import { transportContract } from '../contract/transport.ts'
import { cutShort, VirtualJournal, VirtualTime, VirtualTransport } from './support/virtual-time.ts'

const calm = {
  ...SCENARIO_DEFAULTS.network,
  gossipLoss: 0,
  gossipRepeat: 0,
  linkBreak: 0,
  syncBreak: 0
}

const clocks: VirtualTime[] = []
afterEach(() => {
  for (const clock of clocks.splice(0)) clock.stop()
})

function virtualTime(): VirtualTime {
  const time = new VirtualTime()
  clocks.push(time)
  return time
}

transportContract("the simulator's network", async count => {
  const network = new Network(virtualTime().eventQueue, new Random(1), calm)
  return Array.from({ length: count }, (_, i) => new VirtualTransport(`n${i}`, network))
})

journalContract("the simulator's disk", async () => {
  const time = virtualTime()
  const disk = new Disk()
  const warnings: string[] = []
  return {
    open: async () => new VirtualJournal(disk, time),
    damage: async id => {
      warnings.push(id)
      disk.spoil(id)
    },
    cutShort: async (flush, left) => {
      if (left === 'torn') warnings.push('torn')
      cutShort(disk, flush, left)
    },
    warnings: () => warnings,
    remove: async () => {}
  }
})
