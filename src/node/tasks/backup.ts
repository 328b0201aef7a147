/**
 * The node's state on its way into a file, and back.
 *
 * A file is taken in a batch at a time, and no more than a few are on their way to disk, so that a large one neither
 * blocks the node nor piles up in its memory.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { News } from '../../core/message.ts'
import { newsOf } from '../../core/replication/replication.ts'
import type { Input } from '../../core/input.ts'
import type { CoreView } from '../../core/view.ts'
import type { BlobRef } from '../../core/task/content.ts'
import { BlobUnavailableError } from '../../shared/errors.ts'
import { wallMsOf } from '../runtime/clock.ts'
import type { Payloads } from './payloads.ts'
import type { LoadedState } from '../api/node-api.ts'
import type { Clock, LoadedReplica, ReadBlob, StateFiles } from '../../ports/ports.ts'

/** Guess: enough to keep the disk busy while the next ones are merged. */
const UNDER_WAY_MAX = 4

export class Backup {
  readonly #core: CoreView
  readonly #clock: Clock
  readonly #files: StateFiles
  readonly #payloads: Payloads
  readonly #feed: (input: Input) => void
  readonly #assertAccepting: () => void
  /** Loads that are on their way to disk. */
  readonly #loads = new Map<number, () => void>()
  #requests = 0

  /** @param assertAccepting throws once the node closes, and while its disk refuses */
  constructor(
    { core, clock }: Readonly<{ core: CoreView; clock: Clock }>,
    files: StateFiles,
    payloads: Payloads,
    feed: (input: Input) => void,
    assertAccepting: () => void
  ) {
    this.#core = core
    this.#clock = clock
    this.#files = files
    this.#payloads = payloads
    this.#feed = feed
    this.#assertAccepting = assertAccepting
  }

  text(): AsyncIterable<string> {
    const readBlob = (ref: BlobRef): ReturnType<ReadBlob> => this.#read(ref)
    return this.#files.text(
      this.#core.replica(),
      new Date(wallMsOf(this.#clock)).toISOString(),
      readBlob
    )
  }

  /** @throws ForeignStateFileError DiskFullError NodeClosedError */
  async take(
    pieces: AsyncIterable<string> | Iterable<string>,
    rekey: boolean
  ): Promise<LoadedState> {
    this.#assertAccepting()
    const replica = await this.#files.parse(pieces, chunks => this.#payloads.write(chunks), rekey)
    // Counted before the first batch: from then on everything in the file is covered.
    const result = counted(replica, this.#core)
    const under = new Set<Promise<void>>()
    for (const news of newsOf(replica)) {
      if (news === null) await turn()
      this.#assertAccepting()
      if (news === null) continue
      const loading = this.#load(news)
      under.add(loading)
      void loading.then(() => under.delete(loading))
      if (under.size >= UNDER_WAY_MAX) await Promise.race(under)
    }
    await Promise.all(under)
    this.#assertAccepting()
    return result
  }

  async #read(ref: BlobRef): ReturnType<ReadBlob> {
    try {
      return await this.#payloads.read(ref)
    } catch (error) {
      if (error instanceof BlobUnavailableError) return null
      throw error
    }
  }

  /** Resolves when the news are on disk. */
  #load(news: News): Promise<void> {
    const request = ++this.#requests
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#loads.set(request, resolve)
    this.#feed({ kind: 'load', request, news })
    return promise
  }

  loaded(request: number): void {
    this.#loads.get(request)?.()
    this.#loads.delete(request)
  }

  /** Loads under way are let go, to find out that the node accepts nothing. */
  letGo(): void {
    for (const request of this.#loads.keys()) this.loaded(request)
  }
}

function counted({ tasks }: LoadedReplica, core: CoreView): LoadedState {
  const result: LoadedState = { v: 1, loaded: 0, known: 0, skipped: 0 }
  for (const { record } of tasks) {
    if (core.record(record.spec.id) !== undefined) result.known++
    else if (core.isPast(record)) result.skipped++
    else result.loaded++
  }
  return result
}
