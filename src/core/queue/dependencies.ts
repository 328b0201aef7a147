/**
 * Which tasks wait for which.
 *
 * A task may depend on tasks that are not known here yet; they count as open until their outcome arrives. Every replica
 * keeps this picture of every task, because any of them may become its holder.
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import { isSettled, type TaskRecord } from '../task/record.ts'
import type { TaskSpec } from '../task/spec.ts'
import { Carried } from './carried-outcomes.ts'

export class Dependencies {
  readonly #find: (id: TaskId) => Entry | undefined
  readonly #isForgotten: (id: TaskId) => boolean
  readonly #carried: Carried
  /** Dependency -> the tasks that wait for it. */
  readonly #dependents = new Map<TaskId, Set<TaskId>>()
  /** Task -> how many tasks that have not settled depend on it. */
  readonly #named = new Map<TaskId, number>()
  /** Tasks that have not settled. */
  readonly #unsettled = new Set<TaskId>()
  /** Task -> how many of its dependencies have not settled. */
  readonly #open = new Map<TaskId, number>()
  /** Dependencies that are not known here, or were not when something came that waits for them, and since when. */
  readonly #unknown = new Map<TaskId, number>()
  /** Of these, those that have not been heard of for a while. */
  readonly #unheard = new Set<TaskId>()
  /** Dependencies that count as pruned, since no member has heard of them in the time that it may take. */
  readonly #givenUp = new Set<TaskId>()
  /** Dependency that failed or was cancelled -> the tasks that waited for it. */
  readonly #failures = new Map<TaskId, Set<TaskId>>()
  /** Task -> a dependency of it that had been pruned when the task came. */
  readonly #forgotten = new Map<TaskId, TaskId>()
  /** Of these, those of which all members have been asked how they ended. */
  readonly #asked = new Set<TaskId>()
  /** Dependencies that had settled here when a task came that depends on them. */
  readonly #late = new Set<TaskId>()

  /**
   * @param find the task of an id, if it is known
   * @param isForgotten whether the task of an id was known once, and has been pruned: nobody can tell how it ended
   * @param carried outcomes of pruned tasks that came with a task which depends on them
   */
  constructor(
    find: (id: TaskId) => Entry | undefined,
    isForgotten: (id: TaskId) => boolean = () => false,
    carried: Carried = new Carried()
  ) {
    this.#find = find
    this.#isForgotten = isForgotten
    this.#carried = carried
  }

  /** Whether there is a task that has not settled. */
  get hasUnsettled(): boolean {
    return this.#unsettled.size > 0
  }

  /** A task has come into the replica. @param isAgain it has been here all the while */
  track(entry: Entry, isAgain: boolean = false): void {
    if (!isSettled(entry.record)) {
      this.#unsettled.add(entry.id)
      this.#name(entry.record.spec, 1)
    }
    let open = 0
    for (const id of unique(entry.record.spec.dependsOn)) {
      const dependency = this.#find(id)
      if (dependency === undefined && (this.#isOver(id) || (isAgain && this.#givenUp.has(id)))) {
        if (this.#carried.get(id)?.outcome?.status !== 'completed') {
          this.#forgotten.set(entry.id, id)
        }
        continue
      }
      if (dependency !== undefined && isSettled(dependency.record)) {
        if (!isSettled(entry.record)) this.#late.add(id)
        if (dependency.record.outcome!.status !== 'completed') add(this.#failures, id, entry.id)
        continue
      }
      open++
      if (dependency === undefined && !this.#unknown.has(id)) this.#unknown.set(id, Infinity)
      add(this.#dependents, id, entry.id)
    }
    if (open > 0) this.#open.set(entry.id, open)
  }

  /** Dependencies that had settled here before something came that depends on them. */
  takeLate(): readonly TaskId[] {
    if (this.#late.size === 0) return []
    const late = [...this.#late]
    this.#late.clear()
    return late
  }

  /** A dependency that has been pruned here, and of which others have not been asked yet. */
  missing(id: TaskId): TaskId | undefined {
    const dependency = this.#forgotten.get(id)
    if (dependency === undefined || this.#asked.has(dependency)) return undefined
    // It came along, and did not complete.
    if (this.#carried.get(dependency) !== undefined) return undefined
    return this.#runsAnyway(id) ? undefined : dependency
  }

  /** Nobody who can be asked knows how it ended. Returns those that take note of it. */
  noteAsked(dependency: TaskId): readonly Entry[] {
    if (!this.#named.has(dependency)) return NONE
    this.#asked.add(dependency)
    const waiting = [...this.#forgotten].filter(([, id]) => id === dependency)
    return this.#found(waiting.map(([task]) => task))
  }

  /** How a task ended that has been pruned here. Returns those that take note of it. */
  carry(record: TaskRecord): readonly Entry[] {
    const { id } = record.spec
    if (!this.#named.has(id) || !this.#carried.note(record)) return NONE
    return this.recalled(id)
  }

  /** What had been pruned when others came that depend on it is known again, or what was not known. Returns these. */
  recalled(id: TaskId): readonly Entry[] {
    const forgotten = this.#found(this.#forgotten.keys()).filter(({ record }) =>
      record.spec.dependsOn.includes(id)
    )
    const waiting = new Set([...forgotten, ...this.#found(this.#dependents.get(id))])
    for (const entry of waiting) this.retrack(entry, entry.record.spec)
    return [...waiting]
  }

  /** It has turned out that another submission of the task stands, which may depend on other tasks. */
  retrack(entry: Entry, before: TaskSpec): void {
    // What both name is named all the while.
    this.#name(before, 1)
    this.#untrack(entry.id, before)
    this.track(entry, true)
    this.#name(before, -1)
  }

  /** A task has settled. Returns those that waited for it and are known here. */
  settled(entry: Entry): readonly Entry[] {
    if (this.#unsettled.delete(entry.id)) this.#name(entry.record.spec, -1)
    const waiting = this.#closed(entry.id)
    if (entry.record.outcome!.status !== 'completed') {
      for (const { id } of waiting) add(this.#failures, entry.id, id)
      return waiting
    }
    // It may have failed before, by a claim that did not prevail.
    const mended = this.#found(this.#failures.get(entry.id))
    this.#failures.delete(entry.id)
    return mended.length === 0 ? waiting : [...waiting, ...mended]
  }

  /** A task has not settled; or not any more, if its failure was undone. Returns those that wait for it anew. */
  unsettled(entry: Entry): readonly Entry[] {
    const { id, record } = entry
    if (!this.#unsettled.has(id)) {
      this.#unsettled.add(id)
      this.#name(record.spec, 1)
    }
    const failed = this.#failures.get(id)
    if (failed === undefined) return NONE
    this.#failures.delete(id)
    for (const task of failed) {
      this.#open.set(task, this.open(task) + 1)
      add(this.#dependents, id, task)
    }
    return this.#found(failed)
  }

  /** Whether a task that has not settled depends on this one. */
  isNamed(id: TaskId): boolean {
    return this.#named.has(id)
  }

  /** How many settled tasks are named by others that have not settled. */
  countNamedSettled(): number {
    let count = 0
    for (const id of this.#named.keys()) {
      const entry = this.#find(id)
      if (entry !== undefined && isSettled(entry.record)) count++
    }
    return count
  }

  /** The task has been pruned. Returns those that still waited for it: no node can tell any more how it ended. */
  forget(entry: Entry): readonly Entry[] {
    this.#untrack(entry.id, entry.record.spec)
    return this.#giveUp(entry.id)
  }

  /**
   * Dependencies that were not known here may turn out to have been pruned; or no member has heard of them for
   * `unknownMs`, and they count as pruned. Returns the tasks that waited for them, and those that another node may find
   * ready by now.
   *
   * @param now in ms, of any clock
   * @param unknownMs after how long that is so of a dependency, in ms
   * @param unheardMs after how long only the holder of a task can say what has become of it, in ms
   */
  reviewUnknown(
    now: number,
    unknownMs: (id: TaskId) => number,
    unheardMs: number = Infinity
  ): Entry[] {
    const waiting: Entry[] = []
    for (const [id, since] of this.#unknown) {
      if (since === Infinity) this.#unknown.set(id, now)
      const isKnown = this.#find(id) !== undefined
      const isOver = this.#isForgotten(id) || now - since >= unknownMs(id)
      const isUnheard = !isKnown && !isOver && now - since >= unheardMs
      if (isUnheard !== this.#unheard.has(id)) {
        this.#unheard[isUnheard ? 'add' : 'delete'](id)
        for (const each of this.#found(this.#dependents.get(id))) waiting.push(each)
      }
      if (!isKnown && !isOver) continue
      this.#unknown.delete(id)
      if (isKnown) continue
      if (this.#named.has(id)) this.#givenUp.add(id)
      for (const each of this.#giveUp(id)) waiting.push(each)
    }
    return waiting
  }

  /** Whether any task waits for one that is not known here. */
  get hasUnknown(): boolean {
    return this.#unknown.size > 0
  }

  /** Whether a task waits for this dependency to settle, or to be heard of. */
  isAwaited(dependency: TaskId, id: TaskId): boolean {
    return this.#dependents.get(dependency)?.has(id) === true || this.missing(id) === dependency
  }

  /** How many dependencies of the task have not settled. */
  open(id: TaskId): number {
    return this.#open.get(id) ?? 0
  }

  /** A dependency that failed, was cancelled or has been pruned, if that is a reason for the holder to give up. */
  broken(id: TaskId): TaskId | undefined {
    if (this.#runsAnyway(id)) return undefined
    const forgotten = this.missing(id) === undefined ? this.#forgotten.get(id) : undefined
    return this.#failed(id) ?? forgotten
  }

  /**
   * Whether nothing stands between the task and its start. Of a dependency that has been pruned here only its holder
   * can say whether it completed in time, so it does not count.
   */
  ready(id: TaskId): boolean {
    return !this.#open.has(id) && (this.#failed(id) === undefined || this.#runsAnyway(id))
  }

  /**
   * Whether a task may be ready that another node holds. The id of a task under a key does not tell whether it has been
   * pruned: where the task that depends on it came later, it is unknown for good, while the holder knows how it ended.
   */
  readyElsewhere(id: TaskId): boolean {
    if (this.ready(id)) return true
    const spec = this.#find(id)?.record.spec
    if (spec === undefined || this.#unheard.size === 0) return false
    if (this.#failed(id) !== undefined && !this.#runsAnyway(id)) return false
    const unheard = [...unique(spec.dependsOn)].filter(
      each => this.#unheard.has(each) && this.#find(each) === undefined
    )
    return this.open(id) === unheard.length
  }

  /** @param all tasks that are known here */
  assertInvariants(all: Iterable<Entry>): void {
    const open = new Map<TaskId, number>()
    const named = new Map<TaskId, number>()
    let unsettled = 0
    for (const entry of all) {
      const { id, record } = entry
      const isOpen = !isSettled(record)
      assert(
        this.#unsettled.has(id) === isOpen,
        'a task counts as unsettled until it has settled',
        id
      )
      if (isOpen) unsettled++
      for (const each of unique(record.spec.dependsOn)) {
        if (isOpen) named.set(each, (named.get(each) ?? 0) + 1)
        if (this.#dependents.get(each)?.has(id)) open.set(id, (open.get(id) ?? 0) + 1)
        this.#assertWaits(entry, each)
      }
    }
    assert(this.#unsettled.size === unsettled, 'a task that counts as unsettled is here')
    assertSame(this.#open, open, 'open dependencies of a task are counted')
    assertSame(this.#named, named, 'unsettled tasks that depend on one are counted')
    this.#assertNoneForgotten()
    this.#carried.assertInvariants(id => this.#named.has(id))
  }

  /**
   * Of a dependency each task that has not settled knows in one way how it stands. What had been pruned or given up when
   * the task came stays so for it, also if it comes again after all.
   */
  #assertWaits({ id, record }: Entry, dependency: TaskId): void {
    const known = this.#find(dependency)?.record
    if (known === undefined || isSettled(record) || this.#forgotten.has(id)) return
    if (this.#givenUp.has(dependency) || this.#carried.get(dependency) !== undefined) return
    const waits = this.#dependents.get(dependency)?.has(id) ?? false
    const what = `${id} on ${dependency}`
    const failed = this.#failures.get(dependency)?.has(id) ?? false
    const isOver = isSettled(known)
    assert(waits !== isOver, 'a task waits for a dependency until it has settled', what)
    const hasFailed = isOver && known.outcome!.status !== 'completed'
    assert(failed === hasFailed, 'a task knows which of its dependencies have failed', what)
  }

  #assertNoneForgotten(): void {
    const dependsOn = (task: TaskId, id: TaskId): boolean =>
      this.#find(task)?.record.spec.dependsOn.includes(id) ?? false
    for (const sets of [this.#dependents, this.#failures]) {
      for (const [id, tasks] of sets) {
        assert(tasks.size > 0, 'no dependency is kept for which no task waits', id)
        for (const task of tasks)
          assert(dependsOn(task, id), 'who waits for a task depends on it', task)
      }
    }
    for (const id of this.#dependents.keys()) {
      const isKnown = this.#find(id) !== undefined
      assert(isKnown || this.#unknown.has(id), 'what is waited for and not here is looked for', id)
    }
    for (const [task, id] of this.#forgotten) {
      assert(dependsOn(task, id), 'a task lacks nothing but what it depends on', task)
    }
    for (const id of this.#unheard) {
      assert(this.#unknown.has(id), 'what has not been heard of is unknown', id)
    }
    for (const id of this.#asked) {
      assert(this.#named.has(id), 'what others were asked for is needed here', id)
    }
  }

  #isOver(id: TaskId): boolean {
    return this.#carried.get(id) !== undefined || this.#isForgotten(id)
  }

  #failed(task: TaskId): TaskId | undefined {
    if (this.#failures.size === 0) return undefined
    return this.#find(task)?.record.spec.dependsOn.find(id => this.#failures.get(id)?.has(task))
  }

  #runsAnyway(id: TaskId): boolean {
    return this.#find(id)?.record.spec.onDependencyFailure === 'run'
  }

  #untrack(task: TaskId, spec: TaskSpec): void {
    if (this.#unsettled.delete(task)) this.#name(spec, -1)
    this.#open.delete(task)
    this.#forgotten.delete(task)
    for (const id of spec.dependsOn) {
      for (const tasks of [this.#dependents, this.#failures]) {
        tasks.get(id)?.delete(task)
        if (tasks.get(id)?.size === 0) tasks.delete(id)
      }
    }
  }

  #giveUp(dependency: TaskId): readonly Entry[] {
    const waiting = this.#closed(dependency)
    for (const { id } of waiting) this.#forgotten.set(id, dependency)
    return waiting
  }

  /** A dependency is open no more. Returns those that waited for it and are known here. */
  #closed(dependency: TaskId): readonly Entry[] {
    const dependents = this.#dependents.get(dependency)
    if (dependents === undefined) return NONE
    for (const id of dependents) {
      const open = this.#open.get(id)! - 1
      if (open === 0) this.#open.delete(id)
      else this.#open.set(id, open)
    }
    this.#dependents.delete(dependency)
    return this.#found(dependents)
  }

  #found(ids: Iterable<TaskId> | undefined): readonly Entry[] {
    if (ids === undefined) return NONE
    return [...ids].map(id => this.#find(id)).filter(entry => entry !== undefined)
  }

  #name({ dependsOn }: TaskSpec, by: 1 | -1): void {
    for (const id of unique(dependsOn)) {
      const count = (this.#named.get(id) ?? 0) + by
      if (count > 0) this.#named.set(id, count)
      else {
        this.#named.delete(id)
        this.#asked.delete(id)
        this.#givenUp.delete(id)
        this.#carried.forget(id)
      }
    }
  }
}

/** One empty list for all: most tasks have no others that wait for them. */
const NONE: readonly Entry[] = []

/** Most tasks depend on none, and even an empty set costs a table. */
function unique(ids: readonly TaskId[]): Iterable<TaskId> {
  return ids.length < 2 ? ids : new Set(ids)
}

function assertSame(
  counts: ReadonlyMap<TaskId, number>,
  expected: ReadonlyMap<TaskId, number>,
  statement: string
): void {
  for (const [id, count] of expected) assert(counts.get(id) === count, statement, id)
  for (const id of counts.keys()) assert(expected.has(id), statement, id)
}

function add(sets: Map<TaskId, Set<TaskId>>, key: TaskId, id: TaskId): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([id]))
  else set.add(id)
}
