/**
 * Which tasks wait for which.
 *
 * A task may depend on tasks that are not known here yet; they count as open until their outcome arrives. Every replica
 * keeps this picture of every task, because any of them may become its holder.
 */
import type { TaskId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import { isSettled } from '../task/record.ts'

export class Dependencies {
  readonly #find: (id: TaskId) => Entry | undefined
  /** Dependency -> the tasks that wait for it. */
  readonly #dependents = new Map<TaskId, Set<TaskId>>()
  /** Task -> how many of its dependencies have not settled. */
  readonly #open = new Map<TaskId, number>()
  /** Task -> a dependency of it that failed or was cancelled. */
  readonly #broken = new Map<TaskId, TaskId>()

  constructor(find: (id: TaskId) => Entry | undefined) {
    this.#find = find
  }

  /** A task has come into the replica. */
  track(entry: Entry): void {
    let open = 0
    for (const id of new Set(entry.record.spec.dependsOn)) {
      const dependency = this.#find(id)
      if (dependency !== undefined && isSettled(dependency.record)) {
        if (dependency.record.outcome!.status !== 'completed') this.#broken.set(entry.id, id)
        continue
      }
      open++
      let dependents = this.#dependents.get(id)
      if (dependents === undefined) this.#dependents.set(id, (dependents = new Set()))
      dependents.add(entry.id)
    }
    if (open > 0) this.#open.set(entry.id, open)
  }

  /** A task has settled. Returns those that waited for it and are known here. */
  settled(entry: Entry): Entry[] {
    const waiting = this.#dependents.get(entry.id)
    if (waiting === undefined) return []
    this.#dependents.delete(entry.id)
    const completed = entry.record.outcome!.status === 'completed'
    const entries: Entry[] = []
    for (const id of waiting) {
      const open = this.#open.get(id)! - 1
      if (open === 0) this.#open.delete(id)
      else this.#open.set(id, open)
      if (!completed) this.#broken.set(id, entry.id)
      const dependent = this.#find(id)
      if (dependent !== undefined) entries.push(dependent)
    }
    return entries
  }

  /** How many dependencies of the task have not settled. */
  open(id: TaskId): number {
    return this.#open.get(id) ?? 0
  }

  /** A dependency that failed or was cancelled, if there is one. */
  broken(id: TaskId): TaskId | undefined {
    return this.#broken.get(id)
  }

  /** Whether nothing stands between the task and its start. */
  ready(id: TaskId): boolean {
    return !this.#open.has(id) && !this.#broken.has(id)
  }
}
