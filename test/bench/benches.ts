/** All benchmarks of hearsay alone, in the order in which they run. */
import { lanUnavailable } from '../lan/lan.ts'
import { dashboard } from './dashboard.ts'
import { each } from './each.ts'
import type { Row } from './figures.ts'
import { footprint } from './footprint.ts'
import type { Load } from './loads/load.ts'
import { LOADS } from './loads/loads.ts'
import { rounds, rowsOf } from './loads/rounds.ts'
import { mcp } from './mcp.ts'
import { priority } from './priority.ts'
import { recovery } from './recovery.ts'
import { growth, guaranteed, replicate } from './replicate.ts'
import { inVirtualTime, scale } from './scale/scale.ts'
import { sessions } from './sessions/sessions.ts'
import { functions, modules, submitterWorks } from './systems/hearsay.ts'
import type { System } from './systems/system.ts'

export type Bench = Readonly<{
  /** What it measures, in some words. */
  about: string
  /** How often, if nobody says. */
  reps: number
  run: (say: (text: string) => void, reps: number) => Promise<Row[]>
  /** What was kept to while it was measured. */
  guaranteed: string
}>

const REPS = 3
const twoDisks =
  'meanwhile each task and each result was synced on two nodes before it was reported'
const oneSlot = 'six nodes with one slot each; the submitter is another node, and runs nothing'
const nothingLost = 'each task was started once, and once more when its node was dead'
const noticed = 'meanwhile a node that died would have been noticed as soon as ever'

export const BENCHES: Readonly<Record<string, Bench>> = {
  throughput: outside(LOADS['throughput']!, twoDisks, [functions, modules, submitterWorks]),
  latency: outside(LOADS['latency']!, twoDisks, [functions, modules, submitterWorks]),
  balance: outside(LOADS['balance']!, twoDisks),
  batch: outside(LOADS['batch']!, `${nothingLost}; ${twoDisks}`),
  idle: outside(LOADS['idle']!, noticed),
  start: outside(LOADS['start']!, noticed),
  each: {
    about: 'files of tasks and of ids through the command line, beside a program with a node',
    reps: REPS,
    run: each,
    guaranteed: twoDisks
  },
  replicate: {
    about: 'tasks accepted on one node and known to all',
    reps: REPS,
    run: replicate,
    guaranteed
  },
  growth: {
    about: 'the same, with more nodes and with more tasks there',
    reps: REPS,
    run: growth,
    guaranteed
  },
  footprint: {
    about: 'CPU time and memory of each of six idle processes, at three times after the start',
    reps: 1,
    // Announcements belong into no real network.
    run: say => footprint(lanUnavailable() === null, say),
    guaranteed: noticed
  },
  sessions: {
    about: 'a thousand short tasks through one session of a worker, beside a module of the node',
    reps: 7,
    run: sessions,
    guaranteed: 'the node is alone, and synced each task and each result'
  },
  mcp: {
    about: 'from the start of hearsay mcp to its answer to initialize',
    reps: 20,
    run: mcp,
    guaranteed: 'each time a process of its own'
  },
  dashboard: {
    about: 'the page of hearsay dashboard, with 100,000 open tasks',
    reps: 1,
    run: dashboard,
    guaranteed: 'the node has a page open, and nothing else to do'
  },
  scale: {
    about: 'messages, bytes and merges of a task from 3 to 100 nodes, in virtual time',
    reps: 1,
    run: scale,
    guaranteed: inVirtualTime
  },
  priority: {
    about: 'how early tasks begin that are less urgent than others',
    reps: 5,
    run: priority,
    guaranteed: twoDisks
  },
  recovery: {
    about: 'from the death of a node to its work running elsewhere',
    reps: 10,
    run: recovery,
    guaranteed: nothingLost
  }
}

/** A load that is measured from outside, as a user sees it. */
function outside(
  load: Load,
  promise: string,
  systems: readonly System[] = [functions, modules]
): Bench {
  return {
    about: load.title,
    reps: REPS,
    run: async (say, reps) => rowsOf(load, await rounds(load, systems, reps, say)),
    guaranteed: `${oneSlot}; ${promise}`
  }
}
