/**
 * What a simulated cluster goes through, apart from the dice.
 */
import { CORE_DEFAULTS, TASK_DEFAULTS } from '../core/options.ts'
import { CPU_DEFAULTS, type CpuOptions } from './world/cpu.ts'
import type { NetworkOptions } from './world/network.ts'

/** How tasks come to a simulated cluster: see `Scenario.arrival`. */
export type Arrival = 'scattered' | 'one-by-one' | 'at-once'

/** What a simulated cluster goes through, apart from the dice. */
export type Scenario = Readonly<{
  nodes: number
  /** On how many computers they are. */
  computers: number
  tasks: number
  /**
   * How tasks come: at any node, each at a moment of its own; or, when all nodes have met, at the first one, which runs
   * nothing, while all others have one slot each and handlers for everything. There they come all at once; or one by
   * one, each when the caller has been told how the one before has ended: as long as that node does not crash.
   */
  arrival: Arrival
  /** Of the tasks, how many depend on up to three earlier ones, from 0 to 1. */
  dependent: number
  /** Of the runs, how many fail, from 0 to 1. */
  failing: number
  /** Of the runs, how many are by a worker outside the process of the node, from 0 to 1. */
  outside: number
  /** Of the runs, how many save checkpoints for the next attempt, from 0 to 1. */
  saving: number
  /** Of payloads and results, how many are blobs, from 0 to 1. */
  blobs: number
  /** How often each option of a task is another than usual, from 0 to 1. */
  uncommon: number
  /** Of the tasks, how many are submitted under a key on all nodes in the same instant, from 0 to 1. */
  keyed: number
  /** Of the keys, how many are submitted once more later, at any node, from 0 to 1. */
  again: number
  /** How many tasks are cancelled on the way. */
  cancels: number
  /** Of the tasks, how many ask for a number of copies from 0 to 2 instead of leaving it open, from 0 to 1. */
  acks: number
  /** How many holders may be lost while they run a task. */
  lostMax: number
  /** How long is waited before a second attempt of an uncommon task, in ms; four times that at most. */
  backoffMs: number
  /** How often a caller waits for a task, or looks for one, at any node. */
  questions: number
  /** How often a node is given other slots and handlers, or other labels. The last node stays as it is. */
  changes: number
  /**
   * Pools that a node has beside the default one, at most. They come and go where nodes are given something else
   * (`changes`). The last node keeps the types of all in its default one.
   */
  pools: number
  /** How many nodes are told to drain, by themselves or by another. The last node is not. */
  drains: number
  /** How often a node is told which instances to expect: all that there are to be. */
  expects: number
  /** Types of tasks; each node has handlers for some of them. */
  types: readonly string[]
  runMsMax: number
  diskMsMax: number
  /** How long most nodes gather what happens in one turn of their loop before it goes to disk, in ms, at most. */
  turnMsMax: number
  /** How often the disk of a node takes nothing for a while, or not what is being written to it. */
  fullDisks: number
  /**
   * Of the crashes in the middle of a flush that is lost, how many damage the journal's end, from 0 to 1: then the node
   * comes back with all tasks that it had on disk, and does not know what else it had merged.
   */
  torn: number
  /** Submissions, joining and leaving happen within this time. */
  busyMs: number
  /** How long settled tasks are kept, in ms. */
  retentionMs: number
  /** How many settled tasks are kept at most. */
  settledMax: number
  /** How many nodes join only on the way. */
  late: number
  /** How many nodes leave on the way. */
  leaving: number
  /**
   * Of the nodes that leave, how many hand on what still runs, and wait for no other, from 0 to 1. A node that goes
   * like that while none hears it is forgotten a while later.
   */
  hasty: number
  /** How many crashes there are, each followed by a restart. */
  crashes: number
  /** Whether all nodes crash in the same instant, once. */
  crashAll: boolean
  /** How many of the crashed nodes come back with an empty disk, and so as another node. */
  disksLost: number
  /**
   * How many nodes die for good, with their disks, as if their computers had lost power or had been taken away. They
   * are forgotten by command a while later, and once more where the node that was told has died since. At most as many
   * as leave a majority.
   */
  deaths: number
  /** How often nothing passes from one node to another for a while, though the other way it does. */
  oneWay: number
  /** How often two nodes cannot reach each other for a while, though all others reach both. */
  partial: number
  /**
   * How often a whole computer goes right after one of its nodes has said that a task is accepted, or how it has ended;
   * its nodes come back with empty disks, as others.
   */
  computersLost: number
  /**
   * How often a whole computer goes at such a moment for good, as nodes die; not the one with the last node, and not
   * one without whose nodes there is no majority.
   */
  computersGone: number
  /**
   * How often the disk of a node turns out to be damaged: the node crashes, and comes back as itself with what was on
   * the disk at an earlier moment, or with nothing on it.
   */
  damages: number
  /**
   * How often the disk of a node is copied, and a second process started on the copy under the same identity, while the
   * first one runs or is down. Whichever is started later is to end itself.
   */
  clones: number
  /** How often some nodes are cut off from the others for a while. */
  partitions: number
  /** After how long a partition is over, at most, in ms; 0: with the next cut, or when all calms down. */
  healMsMax: number
  /** How often a node stands still, long enough to be taken for gone. */
  pauses: number
  /** How often the state of a node is saved, and loaded into two nodes later. */
  loads: number
  /** How often a node is told about another what is not so; only while links break for no other reason than an end. */
  lies: number
  /** Of the tasks, how many may run at most once, from 0 to 1. */
  once: number
  /** Silence after which a member counts as unreachable, in ms. */
  unreachableMs: number
  /** For how long a node works on without a word of a quorum, in ms; 0: for ever. */
  stopAfterIsolatedMs: number
  /**
   * How far the clock of a node may be off, in ms. It is off by something else after each restart. A node forgets by
   * its own clock, so retention has to be as much longer.
   */
  skewMsMax: number
  /**
   * How many nodes have a clock that is an hour off, for as long as they live; fewer than half, or no node knows
   * better. Where none joins or crashes, times are checked by the right clock. Retention has to be an hour longer where
   * one does.
   */
  wrongClocks: number
  /**
   * How often the clock of a running node is set: an hour off or slightly so, as long as most are right, or right
   * again. Checked like wrong clocks. Retention has to be an hour longer.
   */
  clockSteps: number
  /** How many nodes are of an older version until, in the second half of that time, they are upgraded one by one. */
  older: number
  /** Of the tasks of newer nodes, how many have something that older ones cannot read, from 0 to 1. */
  unreadable: number
  /** What work costs on a node. */
  cpu: CpuOptions
  network: NetworkOptions
}>

/** The scenario of `hearsay simulate` without a file. */
export const SCENARIO_DEFAULTS: Scenario = {
  nodes: 5,
  computers: 1,
  tasks: 40,
  arrival: 'scattered',
  dependent: 0.3,
  failing: 0.1,
  outside: 0,
  saving: 0,
  blobs: 0,
  uncommon: 0,
  keyed: 0,
  again: 0,
  cancels: 0,
  acks: 0,
  lostMax: TASK_DEFAULTS.maxLost,
  backoffMs: 50,
  questions: 0,
  changes: 0,
  pools: 0,
  drains: 0,
  expects: 0,
  types: ['red', 'green', 'blue'],
  runMsMax: 300,
  diskMsMax: 5,
  turnMsMax: 0,
  fullDisks: 0,
  torn: 0,
  busyMs: 3000,
  retentionMs: 400,
  settledMax: CORE_DEFAULTS.settledMax,
  late: 1,
  leaving: 1,
  hasty: 0,
  crashes: 2,
  crashAll: false,
  disksLost: 0,
  deaths: 0,
  oneWay: 0,
  partial: 0,
  computersLost: 0,
  computersGone: 0,
  damages: 0,
  clones: 0,
  partitions: 0,
  healMsMax: 0,
  pauses: 0,
  loads: 0,
  lies: 0,
  once: 0,
  unreachableMs: 7000,
  stopAfterIsolatedMs: 0,
  skewMsMax: 0,
  wrongClocks: 0,
  clockSteps: 0,
  older: 0,
  unreadable: 0,
  cpu: CPU_DEFAULTS,
  network: {
    gossipLoss: 0.2,
    gossipRepeat: 0.1,
    linkBreak: 0.01,
    syncBreak: 0.1,
    delayMsMin: 1,
    delayMsMax: 40,
    // Shorter than in reality, so that more happens in a run.
    cutNoticedMsMax: 1000,
    foundByOne: false,
    linkDelayMsMax: 0,
    overtaking: false
  }
}
