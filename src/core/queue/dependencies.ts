/**
 * Which tasks wait for which.
 *
 * A task may depend on tasks that are not known here yet; they count as open until their outcome arrives. Every replica
 * keeps this picture of every task, because any of them may become its holder.
 */
import type { TaskId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import { isSettled } from '../task/record.ts'
import type { TaskSpec } from '../task/spec.ts'

export class Dependencies {
  readonly #find: (id: TaskId) => Entry | undefined
  readonly #isForgotten: (id: TaskId) => boolean
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
  /** Task -> a dependency of it that failed or was cancelled. */
  readonly #broken = new Map<TaskId, TaskId>()
  /** Task -> a dependency of it that had been pruned when the task came. */
  readonly #forgotten = new Map<TaskId, TaskId>()

  /**
   * @param find the task of an id, if it is known
   * @param isForgotten whether the task of an id was known once, and has been pruned: nobody can tell how it ended
   */
  constructor(
    find: (id: TaskId) => Entry | undefined,
    isForgotten: (id: TaskId) => boolean = () => false
  ) {
    this.#find = find
    this.#isForgotten = isForgotten
  }

  /** A task has come into the replica. */
  track(entry: Entry): void {
    if (!isSettled(entry.record)) {
      this.#unsettled.add(entry.id)
      this.#name(entry.record.spec, 1)
    }
    let open = 0
    for (const id of new Set(entry.record.spec.dependsOn)) {
      const dependency = this.#find(id)
      if (dependency === undefined && this.#isForgotten(id)) {
        this.#forgotten.set(entry.id, id)
        continue
      }
      if (dependency !== undefined && isSettled(dependency.record)) {
        if (dependency.record.outcome!.status !== 'completed') this.#broken.set(entry.id, id)
        continue
      }
      open++
      if (dependency === undefined && !this.#unknown.has(id)) this.#unknown.set(id, Infinity)
      let dependents = this.#dependents.get(id)
      if (dependents === undefined) this.#dependents.set(id, (dependents = new Set()))
      dependents.add(entry.id)
    }
    if (open > 0) this.#open.set(entry.id, open)
  }

  /** It has turned out that another submission of the task stands, which may depend on other tasks. */
  retrack(entry: Entry, before: TaskSpec): void {
    this.#untrack(entry.id, before)
    this.track(entry)
  }

  /** A task has settled. Returns those that waited for it and are known here. */
  settled(entry: Entry): Entry[] {
    if (this.#unsettled.delete(entry.id)) this.#name(entry.record.spec, -1)
    const completed = entry.record.outcome!.status === 'completed'
    const waiting = this.#closed(entry.id)
    if (!completed) for (const { id } of waiting) this.#broken.set(id, entry.id)
    return waiting
  }

  /** Whether a task that has not settled depends on this one. */
  isNamed(id: TaskId): boolean {
    return this.#named.has(id)
  }

  /** The task has been pruned. Returns those that still waited for it: nobody can tell any more how it ended. */
  forget(entry: Entry): Entry[] {
    this.#untrack(entry.id, entry.record.spec)
    return this.#giveUp(entry.id)
  }

  /**
   * Dependencies that were not known here may turn out to have been pruned; or nobody has heard of them for so long that
   * they count as such. Returns the tasks that waited for them.
   *
   * @param now in ms, of any clock
   */
  noteForgotten(now: number, unknownMs: number): Entry[] {
    const waiting: Entry[] = []
    for (const [id, since] of this.#unknown) {
      if (since === Infinity) this.#unknown.set(id, now)
      const isKnown = this.#find(id) !== undefined
      const isOver = this.#isForgotten(id) || now - since >= unknownMs
      if (!isKnown && !isOver) continue
      this.#unknown.delete(id)
      if (isKnown) continue
      waiting.push(...this.#giveUp(id))
    }
    return waiting
  }

  /** How many dependencies of the task have not settled. */
  open(id: TaskId): number {
    return this.#open.get(id) ?? 0
  }

  /** A dependency that failed, was cancelled or has been pruned, if that is a reason for the holder to give up. */
  broken(id: TaskId): TaskId | undefined {
    return this.#runsAnyway(id) ? undefined : (this.#broken.get(id) ?? this.#forgotten.get(id))
  }

  /**
   * Whether nothing stands between the task and its start. Of a dependency that has been pruned here only its holder can
   * say whether it completed in time, so it does not count.
   */
  ready(id: TaskId): boolean {
    return !this.#open.has(id) && (!this.#broken.has(id) || this.#runsAnyway(id))
  }

  #runsAnyway(id: TaskId): boolean {
    return this.#find(id)?.record.spec.onDependencyFailure === 'run'
  }

  #untrack(task: TaskId, spec: TaskSpec): void {
    if (this.#unsettled.delete(task)) this.#name(spec, -1)
    this.#open.delete(task)
    this.#broken.delete(task)
    this.#forgotten.delete(task)
    for (const id of spec.dependsOn) {
      const dependents = this.#dependents.get(id)
      dependents?.delete(task)
      if (dependents?.size === 0) this.#dependents.delete(id)
    }
  }

  #giveUp(dependency: TaskId): Entry[] {
    const waiting = this.#closed(dependency)
    for (const { id } of waiting) this.#forgotten.set(id, dependency)
    return waiting
  }

  /** A dependency is open no more. Returns those that waited for it and are known here. */
  #closed(dependency: TaskId): Entry[] {
    const entries: Entry[] = []
    for (const id of this.#dependents.get(dependency) ?? []) {
      const open = this.#open.get(id)! - 1
      if (open === 0) this.#open.delete(id)
      else this.#open.set(id, open)
      const dependent = this.#find(id)
      if (dependent !== undefined) entries.push(dependent)
    }
    this.#dependents.delete(dependency)
    return entries
  }

  #name({ dependsOn }: TaskSpec, by: 1 | -1): void {
    for (const id of new Set(dependsOn)) {
      const count = (this.#named.get(id) ?? 0) + by
      if (count > 0) this.#named.set(id, count)
      else this.#named.delete(id)
    }
  }
}
