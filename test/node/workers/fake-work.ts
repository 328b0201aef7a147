/** The workers of a node without a core: the test starts runs, and hears how they end. */
import type { Run } from '../../../src/core/effect.ts'
import type { RunResult } from '../../../src/core/input.ts'
import type { TaskRecord } from '../../../src/core/task/record.ts'
import { isBlob } from '../../../src/core/task/content.ts'
import { checkPool } from '../../../src/pool-options.ts'
import type { ExternalPool } from '../../../src/ports/external.ts'
import { Workers } from '../../../src/node/workers/workers.ts'
import { External } from '../../../src/run/external/external.ts'

/** A run has ended. */
export type FakeEnd = Readonly<{ taskId: string; epoch: number; result: RunResult }>

export class FakeWork {
  readonly pools: Map<string, ExternalPool> = new Map()
  readonly ends: FakeEnd[] = []
  readonly said: string[] = []
  readonly progress: { fraction: number; message: string | null }[] = []
  /** What is written of tasks, by id. */
  readonly records: Map<string, TaskRecord> = new Map()
  isDraining = false
  readonly external: External
  readonly workers: Workers

  /** What has been saved, whether or not it was taken. */
  readonly saves: { taskId: string; epoch: number; bytes: number }[] = []
  /** Whether the task is still that of the run that saves. */
  takesSaves = true

  constructor(graceMs = 30_000) {
    this.external = new External(graceMs, {
      ended: (taskId, epoch, result) => void this.ends.push({ taskId, epoch, result }),
      progress: (_task, _epoch, fraction, message) =>
        void this.progress.push({ fraction, message }),
      output: (_task, _epoch, _stream, bytes) => void this.said.push(Buffer.from(bytes).toString())
    })
    this.external.serve({
      addPool: pool => {
        checkPool(pool)
        this.pools.set(pool.name, pool)
      },
      resizePool: (name, slots) => this.pools.set(name, { ...this.pools.get(name)!, slots }),
      removePool: name => this.pools.delete(name),
      outcomeOf: (id, epoch) => {
        const outcome = this.records.get(id)?.outcome ?? null
        return outcome?.epoch === epoch ? outcome : null
      },
      isDraining: () => this.isDraining
    })
    this.workers = new Workers({
      external: this.external,
      record: id => this.records.get(id),
      payloads: {
        isFit: content => isBlob(content) || Buffer.byteLength(content) <= 8192,
        write: async chunks => {
          let bytes = 0
          for await (const chunk of chunks) bytes += chunk.length
          return { hash: 'f'.repeat(64), bytes }
        },
        written: ref => Promise.resolve(ref)
      },
      save: (taskId, epoch, blob) => {
        this.saves.push({ taskId, epoch, bytes: blob.bytes })
        return Promise.resolve(this.takesSaves)
      },
      assertGiving: () => {}
    })
  }

  /** The only pool that there is. */
  get pool(): ExternalPool | undefined {
    return [...this.pools.values()][0]
  }

  /** As the core does: in the pool that is there. */
  start(run: Run): Run {
    const started = { ...run, pool: this.pool?.name ?? 'none' }
    this.external.start(started)
    return started
  }
}
