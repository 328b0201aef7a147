/** Scenarios in which it matters for how long something counts, and what time it is. */
import type { Scenario } from '../../../src/sim/scenario.ts'

/**
 * Every key is submitted on all nodes and once more later, when its task has been forgotten for lack of room. Nobody joins or
 * is away: who never had a task has no memory of it.
 */
export const repeating: Partial<Scenario> = {
  keyed: 1,
  again: 1,
  dependent: 0,
  settledMax: 3,
  retentionMs: 1e9,
  late: 0,
  leaving: 0,
  crashes: 0
}

/** The same, and some nodes come when tasks have been forgotten already. */
export const repeatingLate: Partial<Scenario> = {
  ...repeating,
  settledMax: 0,
  late: 3,
  busyMs: 8000,
  runMsMax: 5
}

/** Tasks have deadlines and times to start at, and the clock of one node is wrong. */
export const punctual: Partial<Scenario> = {
  wrongClocks: 1,
  uncommon: 0.5,
  busyMs: 8000,
  retentionMs: 1e9,
  late: 0,
  leaving: 0,
  crashes: 0
}

/** The same, and clocks are set on the way. */
export const stepping: Partial<Scenario> = {
  clockSteps: 8,
  uncommon: 0.5,
  busyMs: 12_000,
  retentionMs: 1e9,
  late: 0,
  leaving: 0,
  crashes: 0
}
