/**
 * Scenarios made by dice: number `n` is always the same one. Each belongs to a family, which says what it is about;
 * what else goes on in it is up to the dice.
 */
import { Random } from '../../../src/sim/world/random.ts'
import type { Scenario } from '../../../src/sim/scenario.ts'

export type Settings = Omit<Partial<Scenario>, 'network'> &
  Readonly<{ network?: Partial<Scenario['network']> }>
type Draft = { -readonly [K in keyof Settings]: Settings[K] }

export type Diced = Readonly<{
  n: number
  family: string
  /** What differs from the default scenario. */
  settings: Settings
}>

/** Longer than any run: nothing is forgotten. */
const KEEP_MS = 3_600_000
/** For how long a node that comes late may keep a key back. */
const LATE_KEY_MS = 2000
/** Seeds of two scenarios are different ones, so that a seed alone says little, and a number and a seed all. */
const SEEDS_PER_SCENARIO = 10

/** Family -> what its scenarios have for sure. */
const FAMILIES: Readonly<Record<string, (dice: Dice, draft: Draft) => void>> = {
  crashes: () => {},
  cuts: (dice, draft) => cuts(dice, draft),
  pauses: (dice, draft) => pauses(dice, draft),
  'cuts and pauses': (dice, draft) => {
    cuts(dice, draft)
    pauses(dice, draft)
  },
  blobs: (_, draft) => void (draft.blobs = 0.6),
  keys: (dice, draft) => void (draft.keyed = dice.pick([0.5, 1])),
  once: (_, draft) => void (draft.once = 1),
  room: (dice, draft) => void (draft.settledMax = dice.pick([0, 2, 8]))
}

/** Families of numbers from `LATER` on: numbers below it stay the scenarios that they were before. */
const LATER_FAMILIES: typeof FAMILIES = {
  people: (dice, draft) => people(dice, draft),
  'lost computers': (dice, draft) => {
    draft.nodes = Math.max(3, draft.nodes!)
    draft.deaths = dice.whole(1, Math.ceil(draft.nodes / 2) - 1)
    if (dice.chance(0.5)) suspicious(dice, draft)
  },
  links: (dice, draft) => links(dice, draft),
  'people and links': (dice, draft) => {
    people(dice, draft)
    links(dice, draft)
  }
}

/** Families of numbers from `LATEST` on. */
const LATEST_FAMILIES: typeof FAMILIES = {
  clocks: (dice, draft) => clocks(dice, draft)
}

/** Families of numbers from `NEWEST` on: what becomes of disks. */
const NEWEST_FAMILIES: typeof FAMILIES = {
  'damaged disks': (dice, draft) => damages(dice, draft),
  computers: (dice, draft) => computers(dice, draft)
}

/** Families of numbers from `STRICT` on: what a process and its disk may do that the simulator did not at first. */
const STRICT_FAMILIES: typeof FAMILIES = {
  turns: (dice, draft) => turns(dice, draft),
  'full disks': (dice, draft) => fullDisks(dice, draft),
  'torn journals': (dice, draft) => torn(dice, draft),
  'turns, disks and journals': (dice, draft) => {
    turns(dice, draft)
    fullDisks(dice, draft)
    torn(dice, draft)
  }
}

/** Families of numbers from `HEALED` on: what is promised again once all can reach each other. */
const HEALED_FAMILIES: typeof FAMILIES = {
  'healed cuts': (dice, draft) => healed(dice, draft)
}

/** Families of numbers from `LOSSES` on: what is lost once more, or for good, with keys and without. */
const LOSSES_FAMILIES: typeof FAMILIES = {
  'computers in turn': (dice, draft) => computersInTurn(dice, draft),
  'disks in turn': (dice, draft) => disksInTurn(dice, draft),
  'computers for good': (dice, draft) => computersForGood(dice, draft)
}

/** From `PLACED` on: tasks that all come to one node, which runs none. */
const PLACED_FAMILIES: typeof FAMILIES = {
  'one submitter': (dice, draft) => submitter(dice, draft)
}

/** From `POOLED` on: nodes of several pools, which come and go. */
const POOLED_FAMILIES: typeof FAMILIES = {
  pools: (dice, draft) => pools(dice, draft),
  'pools of people': (dice, draft) => {
    people(dice, draft)
    pools(dice, draft)
  }
}

/** The first numbers of families that came later, one after the other: a number keeps its family for good. */
export const LATER = 10_000
export const LATEST = 20_000
export const NEWEST = 30_000
export const STRICT = 40_000
export const HEALED = 50_000
export const LOSSES = 60_000
export const PLACED = 70_000
export const POOLED = 80_000

export const FAMILY_NAMES: readonly string[] = [
  FAMILIES,
  LATER_FAMILIES,
  LATEST_FAMILIES,
  NEWEST_FAMILIES,
  STRICT_FAMILIES,
  HEALED_FAMILIES,
  LOSSES_FAMILIES,
  PLACED_FAMILIES,
  POOLED_FAMILIES
].flatMap(Object.keys)

/** The `n`th scenario. */
export function scenarioOf(n: number): Diced {
  const dice = new Dice(n)
  const families = familiesOf(n)
  const names = Object.keys(families)
  const family = names[n % names.length]!
  const draft: Draft = {}
  cluster(dice, draft)
  tasks(dice, draft)
  surroundings(dice, draft)
  network(dice, draft)
  families[family]!(dice, draft)
  judgeable(dice, draft)
  return { n, family, settings: draft }
}

function familiesOf(n: number): typeof FAMILIES {
  if (n >= POOLED) return POOLED_FAMILIES
  if (n >= PLACED) return PLACED_FAMILIES
  if (n >= LOSSES) return LOSSES_FAMILIES
  if (n >= HEALED) return HEALED_FAMILIES
  if (n >= STRICT) return STRICT_FAMILIES
  if (n >= NEWEST) return NEWEST_FAMILIES
  if (n >= LATEST) return LATEST_FAMILIES
  return n < LATER ? FAMILIES : LATER_FAMILIES
}

/** Seeds to run it with. */
export function seedsOf(n: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => n * SEEDS_PER_SCENARIO + i + 1)
}

/** How many nodes there are, and what becomes of them. */
function cluster(dice: Dice, draft: Draft): void {
  const nodes = dice.pick([2, 3, 4, 5, 6, 6, 8, 12])
  draft.nodes = nodes
  draft.late = Math.min(nodes - 1, dice.pick([0, 0, 1, 2]))
  draft.leaving = Math.min(nodes - 1, dice.pick([0, 0, 1, 2]))
  draft.crashes = dice.pick([0, 2, 4, 6, 8])
  if (dice.chance(0.2)) draft.crashAll = true
  if (draft.crashes > 0 && dice.chance(0.15)) draft.disksLost = 1
}

/** What there is to do. */
function tasks(dice: Dice, draft: Draft): void {
  draft.tasks = dice.pick([15, 30, 40])
  draft.types = ['red', 'green']
  draft.retentionMs = dice.pick([0, 0, 50, 400, KEEP_MS])
  if (dice.chance(0.3)) draft.keyed = dice.pick([0.3, 0.6])
  if (dice.chance(0.4)) draft.blobs = dice.pick([0.3, 0.6])
  if (dice.chance(0.3)) draft.once = dice.pick([0.3, 0.7])
  if (dice.chance(0.4)) draft.uncommon = dice.pick([0.2, 0.5])
  if (dice.chance(0.4)) draft.cancels = dice.pick([3, 10])
  if (dice.chance(0.3)) draft.failing = dice.pick([0, 0.4])
  if (dice.chance(0.3)) draft.runMsMax = dice.pick([5, 1500])
}

/** Disks, clocks and files. */
function surroundings(dice: Dice, draft: Draft): void {
  if (dice.chance(0.3)) draft.diskMsMax = dice.pick([0, 50, 300])
  if (dice.chance(0.3)) draft.loads = dice.whole(1, 3)
  if (dice.chance(0.3)) draft.skewMsMax = dice.pick([50, 500, 2000])
  if (dice.chance(0.2)) draft.settledMax = dice.pick([0, 2, 8])
}

function network(dice: Dice, draft: Draft): void {
  draft.network = {
    ...(dice.chance(0.3) ? { gossipLoss: dice.pick([0, 0.6, 1]) } : {}),
    ...(dice.chance(0.2) ? { linkBreak: dice.pick([0, 0.05]) } : {}),
    ...(dice.chance(0.2) ? { delayMsMin: 20, delayMsMax: 150 } : {})
  }
}

function cuts(dice: Dice, draft: Draft): void {
  draft.partitions = dice.whole(1, 4)
  if (dice.chance(0.6)) suspicious(dice, draft)
  else if (dice.chance(0.3)) draft.stopAfterIsolatedMs = 700
}

function pauses(dice: Dice, draft: Draft): void {
  draft.pauses = dice.whole(1, 4)
  suspicious(dice, draft)
}

/** What callers and operators do. */
function people(dice: Dice, draft: Draft): void {
  draft.questions = dice.pick([0, 20])
  draft.changes = dice.pick([0, 3, 8])
  draft.drains = Math.min(draft.nodes! - 1, dice.pick([0, 1, 2]))
  if (dice.chance(0.3) && draft.leaving! * 2 < draft.nodes!) draft.expects = 2
  draft.hasty = dice.pick([0, 0.5, 1])
  draft.acks = dice.pick([0, 0.5, 1])
  draft.lostMax = dice.pick([0, 1, 3])
  draft.backoffMs = dice.pick([50, 300])
  draft.uncommon = dice.pick([0.2, 0.5])
  draft.failing = dice.pick([0.1, 0.4])
  draft.cancels = dice.pick([3, 10])
}

/** Who reaches whom, and how fast. */
function links(dice: Dice, draft: Draft): void {
  draft.oneWay = dice.pick([0, 2])
  draft.partial = dice.pick([0, 2, 4])
  draft.network = { ...draft.network, linkDelayMsMax: dice.pick([0, 100]) }
  if (dice.chance(0.5)) suspicious(dice, draft)
}

/** Somebody sets them while nodes run. */
function clocks(dice: Dice, draft: Draft): void {
  // One of them may be wrong, and one unheard.
  draft.nodes = Math.max(4, draft.nodes!)
  draft.clockSteps = dice.whole(1, 8)
  draft.uncommon = 0.5
  draft.busyMs = 8000
  draft.retentionMs = KEEP_MS
  delete draft.skewMsMax
  // Where all are right but those, times are checked by the right clock.
  if (dice.chance(0.5)) Object.assign(draft, { late: 0, crashes: 0, crashAll: false, disksLost: 0 })
  if (!dice.chance(0.3)) return
  pauses(dice, draft)
  // Where all words to everybody are lost, everybody is soon taken for gone without any fault of theirs.
  draft.network = { ...draft.network, gossipLoss: 0.2 }
}

/** One disk is lost, in whole or in part: of what was on two, one is left. */
function damages(dice: Dice, draft: Draft): void {
  draft.nodes = Math.max(3, draft.nodes!)
  draft.damages = 1
  draft.crashes = dice.pick([0, 0, 2, 4])
  draft.disksLost = 0
  delete draft.skewMsMax
  // Whoever has nothing any more of a key whose task is over can be given it once more.
  delete draft.keyed
}

/** Several nodes share a computer, which goes when somebody there was told something. */
function computers(dice: Dice, draft: Draft): void {
  const nodes = dice.pick([3, 4, 6, 8])
  draft.nodes = nodes
  draft.computers = dice.pick([2, 3, nodes])
  draft.computersLost = 1
  draft.acks = dice.pick([0.5, 1])
  draft.leaving = 0
  draft.crashAll = false
  draft.disksLost = 0
  if (dice.chance(0.5)) draft.crashes = 0
  delete draft.keyed
}

/** One computer goes after the other: what had two copies again by then is left. */
function computersInTurn(dice: Dice, draft: Draft): void {
  const { keyed } = draft
  computers(dice, draft)
  draft.computers = dice.pick([3, draft.nodes!])
  draft.computersLost = 2
  keys(dice, draft, keyed)
}

/** One disk is damaged after the other, and has the time between to be mended. */
function disksInTurn(dice: Dice, draft: Draft): void {
  const { keyed } = draft
  damages(dice, draft)
  draft.damages = dice.pick([2, 3])
  keys(dice, draft, keyed)
}

/** A computer goes, and none of its nodes ever comes back. */
function computersForGood(dice: Dice, draft: Draft): void {
  const { keyed } = draft
  computers(dice, draft)
  draft.computers = dice.pick([3, draft.nodes!])
  draft.computersLost = 0
  draft.computersGone = 1
  keys(dice, draft, keyed)
}

/** More often than elsewhere, for what becomes of keys where disks are lost is another matter. */
function keys(dice: Dice, draft: Draft, keyed: number = 0): void {
  if (dice.chance(0.3)) draft.keyed = dice.pick([0.3, 1])
  else if (keyed > 0) draft.keyed = keyed
}

/** All tasks are placed, or stolen. */
function submitter(dice: Dice, draft: Draft): void {
  const nodes = Math.max(3, draft.nodes!)
  draft.nodes = nodes
  draft.arrival = dice.pick(['at-once', 'at-once', 'one-by-one'] as const)
  draft.computers = dice.pick([1, 2, 3, nodes])
  draft.busyMs = dice.pick([4000, 8000])
  draft.drains = Math.min(nodes - 1, dice.pick([0, 1, 2]))
  if (dice.chance(0.3)) fullDisks(dice, draft)
  if (dice.chance(0.3)) cuts(dice, draft)
}

/** Who runs what, and how much of it, is said of each pool; and changes. */
function pools(dice: Dice, draft: Draft): void {
  draft.pools = dice.pick([1, 2, 4])
  draft.changes = dice.pick([0, 4, 10])
  draft.types = dice.pick([
    ['red', 'green'],
    ['red', 'green', 'blue', 'grey']
  ])
  draft.uncommon = dice.pick([0, 0.3])
  if (dice.chance(0.3)) draft.computers = 2
  if (dice.chance(0.3)) cuts(dice, draft)
}

/** What happens at about one time goes to disk together, and a crash comes in between. */
function turns(dice: Dice, draft: Draft): void {
  draft.turnMsMax = dice.pick([1, 5, 20, 100])
  draft.crashes = dice.pick([4, 8, 12])
  if (dice.chance(0.2)) cuts(dice, draft)
}

/** Disks take nothing for a while, now and then while their nodes die. */
function fullDisks(dice: Dice, draft: Draft): void {
  draft.fullDisks = dice.whole(1, 6)
  draft.diskMsMax = dice.pick([5, 50, 300])
  // Whose disk does not take when it was started goes by its clock.
  delete draft.skewMsMax
  if (dice.chance(0.2)) cuts(dice, draft)
}

/** Processes die in the middle of a write. */
function torn(dice: Dice, draft: Draft): void {
  draft.torn = dice.pick([0.3, 1])
  draft.crashes = dice.pick([4, 8, 12])
  draft.diskMsMax = dice.pick([20, 100, 300])
  if (dice.chance(0.2)) cuts(dice, draft)
}

/** Cuts and pauses that are over while tasks are still submitted. */
function healed(dice: Dice, draft: Draft): void {
  cuts(dice, draft)
  if (dice.chance(0.3)) pauses(dice, draft)
  draft.partitions = dice.whole(1, 2)
  draft.healMsMax = dice.pick([500, 2000, 4000])
  draft.busyMs = dice.pick([8000, 15_000])
  draft.crashes = dice.pick([0, 2, 4])
  draft.disksLost = 0
}

/** Who is silent for a while counts as unreachable, long before the run is over. */
function suspicious(dice: Dice, draft: Draft): void {
  draft.unreachableMs = dice.pick([700, 1400])
  draft.busyMs = 6000
}

/** Only what some invariant is about: see `checkScenario`. */
function judgeable(dice: Dice, draft: Draft): void {
  const { keyed = 0, skewMsMax = 0, unreachableMs } = draft
  // Where all words to everybody are lost, everybody is soon taken for gone without any fault of theirs.
  if (unreachableMs !== undefined && draft.network?.gossipLoss === 1) {
    draft.network = { ...draft.network, gossipLoss: 0.6 }
  }
  // A task under a key is submitted on all nodes at once, on each of which it may run.
  if (keyed > 0) delete draft.once
  if (keyed > 0 && dice.chance(0.5)) {
    draft.again = 0.5
    draft.retentionMs = KEEP_MS
  }
  if (keyed > 0 && draft.pauses !== undefined) draft.retentionMs = KEEP_MS
  // A node that has just come keeps a key back until it has asked others, who may have forgotten its task by then.
  if (keyed > 0 && draft.late! > 0) draft.retentionMs = Math.max(draft.retentionMs!, LATE_KEY_MS)
  if (draft.retentionMs! < KEEP_MS) draft.retentionMs = draft.retentionMs! + 2 * skewMsMax
}

class Dice extends Random {
  constructor(n: number) {
    // Consecutive numbers give sequences that have nothing in common.
    super(Math.imul(n + 1, 0x9e3779b1))
  }
}
