/** What happens when: all that a scenario asks for, each at a moment that the dice pick. */
import type { Callers } from './callers.ts'
import type { Cluster, World } from '../world/cluster.ts'
import type { Faults } from './faults.ts'
import type { Operators } from './operators.ts'

/**
 * The order of these lines is the order of the dice: what is new comes last, or seeds give other histories than before.
 */
export function plan({ eventQueue, random, scenario }: World, parts: Parts): void {
  const { cluster, callers, faults, operators } = parts
  const { busyMs } = scenario
  const sometime = (count: number, happen: (i: number) => void, earliest = 0): void => {
    for (let i = 0; i < count; i++)
      eventQueue.after(random.whole(earliest, busyMs), () => happen(i))
  }
  for (let i = 0; i < scenario.nodes; i++) {
    const at = i < scenario.late ? random.whole(0, busyMs) : 0
    eventQueue.after(at, () => cluster.add(i))
  }
  const { burstMs } = scenario.cpu
  for (let i = 0; i < scenario.tasks && scenario.arrival === 'scattered'; i++) {
    eventQueue.after(random.whole(0, burstMs || busyMs), () => callers.submit(i))
  }
  if (scenario.arrival !== 'scattered') callers.begin()
  sometime(scenario.cancels, () => callers.cancel())
  sometime(scenario.leaving, () => operators.leave())
  sometime(scenario.crashes, i => faults.crash(i < scenario.disksLost))
  sometime(Number(scenario.crashAll), () => faults.crashAll())
  sometime(scenario.partitions, () => faults.cut())
  sometime(scenario.pauses, () => faults.pause())
  sometime(scenario.lies, () => faults.lie())
  sometime(scenario.loads, () => faults.save())
  sometime(scenario.older, i => cluster.upgrade(i), busyMs / 2)
  sometime(scenario.questions, () => callers.ask())
  sometime(scenario.changes, () => operators.change())
  sometime(scenario.drains, () => operators.drain())
  sometime(scenario.expects, () => operators.expect())
  sometime(scenario.deaths, () => faults.die())
  sometime(scenario.oneWay, () => faults.block(true))
  sometime(scenario.partial, () => faults.block(false))
  sometime(scenario.computersLost, () => faults.loseNext())
  sometime(scenario.clockSteps, () => faults.setClock())
  sometime(scenario.damages, () => faults.damage())
  sometime(scenario.clones, () => faults.clone())
  sometime(scenario.fullDisks, () => faults.fillDisk())
  sometime(scenario.computersGone, () => faults.loseNextForGood())
}

type Parts = Readonly<{
  cluster: Cluster
  callers: Callers
  faults: Faults
  operators: Operators
}>
