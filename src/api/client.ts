/**
 * A node's local API, for other programs of the same user: a method per question, HTTP underneath.
 */
import { TASK_LIMITS } from '../core/options.ts'
import { InvalidOptionError, TooLargeError } from '../shared/errors.ts'
import type {
  BulkPreview,
  BulkRequest,
  BulkResult,
  PageQuery,
  TaskRow
} from '../node/api/lists-api.ts'
import type {
  BlobRef,
  CancelResult,
  DiagnosisView,
  EventFilter,
  LoadedState,
  LogEntry,
  NodeEvent,
  NodeView,
  Retried,
  StatusView,
  SubmitOptions,
  Submitted,
  TaskQuery,
  TaskView,
  WhyView
} from '../node/api/node-api.ts'
import type { BatchAnswer, BatchEnd, BatchLine } from './batch.ts'
import { bundled } from './bundle.ts'
import type { Reloaded } from './routes/reload.ts'
import { findFolders, type Whereabouts } from './find.ts'
import { Instances, type Elsewhere } from './instances/instances.ts'
import { WorkerClient } from './worker/worker-client.ts'
import { Late, waitEach, type WaitEachOptions } from './wait-each.ts'
import type { WaitAnswer, WaitLine } from './waits.ts'

/** `refs`: lines may depend on lines before them, as `ref:NAME`, where the node ties them (`tiesRefs`). @default false */
type BatchOptions = Readonly<{ refs?: boolean }>

export class Client {
  /** What workers outside the process of the node say and hear: always to the node that was asked first. */
  readonly workers: WorkerClient
  readonly #node: Instances

  private constructor(instances: Instances) {
    this.#node = instances
    this.workers = new WorkerClient(instances.connection)
  }

  /** The data folder of the node that is asked. */
  get folder(): string {
    return this.#node.folder
  }

  /**
   * Finds a node on this computer: the one in the folder `data`, the one called `node`, or the only one. With `any` and
   * several of one cluster, one of them is asked, and another where that one does not answer, unless something might be
   * done twice.
   *
   * @param say is told which one is asked, and which one is silent. @default nobody is
   * @throws NoNodeError if none answers
   * @throws InvalidOptionError if several do
   */
  static async open(
    where: Whereabouts = {},
    say: (text: string) => void = () => {}
  ): Promise<Client> {
    return new Client(new Instances(await findFolders(where), say))
  }

  /**
   * Submits a task; resolves when it is accepted. Ids in `dependsOn` may be shortened.
   *
   * @throws InvalidOptionError PayloadRejectedError TooLargeError NotReplicatedError NoNodeError
   */
  async submit(
    type: string,
    payload: unknown = null,
    options: SubmitOptions = {}
  ): Promise<Submitted> {
    const text = JSON.stringify(payload) ?? ''
    const bytes = Buffer.byteLength(text)
    if (bytes <= TASK_LIMITS.inlineBytesMax) {
      const call = { body: { type, payload, options } }
      return this.#node.value('POST', '/v1/tasks', call, underKey(options))
    }
    if (bytes > TASK_LIMITS.blobBytesMax) {
      throw new TooLargeError(
        `the payload has ${bytes} bytes as JSON, at most ${TASK_LIMITS.blobBytesMax} are allowed: pass a path or a URL instead`
      )
    }
    return this.submitText(type, whole(text), options)
  }

  /**
   * Submits a task whose payload is JSON text of more than 8 KiB, sent as it comes and never held whole.
   *
   * @throws InvalidOptionError TooLargeError NotReplicatedError NoNodeError, or what the pieces throw
   */
  async submitText(
    type: string,
    pieces: AsyncIterable<string>,
    options: SubmitOptions = {}
  ): Promise<Submitted> {
    const { hash, bytes } = await this.#node.value<BlobRef>('PUT', '/v1/blobs', { pieces })
    const payloadBlob = { hash, bytes }
    // The payload is on that node's disk.
    return this.#node.value('POST', '/v1/tasks', { body: { type, payloadBlob, options } }, 'never')
  }

  /**
   * Submits many tasks over one request, as fast as the node accepts them. Answers come in the order of the lines; a
   * line that is refused is answered with its problem, and the others go on.
   *
   * @throws TooLargeError (a line is longer than BATCH_LINE_LENGTH_MAX) NoNodeError
   */
  submitMany(
    lines: AsyncIterable<BatchLine>,
    { refs = false }: BatchOptions = {}
  ): AsyncIterable<BatchAnswer> {
    const query = refs ? { refs: 'true' } : {}
    return this.#node.values('/v1/batch', { query, pieces: bundled(asText(lines)) }, 'POST')
  }

  /**
   * Submits lines as `submitMany` does, and says how each task ended, too, some time after its answer; registered with
   * the acceptance, so that an end is told also if the task is pruned a moment later. Ends that are not read are left
   * out when they are too many, and a node of an older version tells none: `wait` is for those that are missing at the
   * end of the stream.
   *
   * @param signal nobody wants to know any more
   * @throws TooLargeError NoNodeError NodeClosedError, or the signal's reason
   */
  submitAndWait(
    lines: AsyncIterable<BatchLine>,
    signal?: AbortSignal,
    { refs = false }: BatchOptions = {}
  ): AsyncIterable<BatchAnswer | BatchEnd> {
    const query = { wait: 'true', ...(refs ? { refs: 'true' } : {}) }
    const call = { query, pieces: bundled(asText(lines)), signal }
    return this.#node.values('/v1/batch', call, 'POST')
  }

  /** Whether a task may be given a `ref`: a node of an older version knows none. @throws NoNodeError */
  takesRefs(): Promise<boolean> {
    return isKnown(this.#node.text('/v1/tasks', { query: { ref: '-', limit: 1 } }))
  }

  /** Whether lines of a batch may depend on each other by their refs: a node of an older version ties none. @throws NoNodeError */
  tiesRefs(): Promise<boolean> {
    return isKnown(ended(this.submitMany(noLines(), { refs: true })))
  }

  /**
   * A payload or result that is too large to come with its task, as JSON text.
   *
   * @throws BlobUnavailableError NoNodeError
   */
  async blob({ hash, bytes }: BlobRef): Promise<string> {
    return this.#node.text(`/v1/blobs/${hash}`, { query: { bytes } })
  }

  /**
   * Resolves when the task has settled, however it ended.
   *
   * @param timeoutMs gives up after this. @default never
   * @throws UnknownTaskError AmbiguousTaskError WaitTimeoutError NoNodeError, or the signal's reason
   */
  async wait(id: string, timeoutMs?: number, signal?: AbortSignal): Promise<TaskView> {
    const late = new Late(timeoutMs)
    const both = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal])
    try {
      return await this.#wait(id, timeoutMs, both)
    } finally {
      late.stop()
    }
  }

  /**
   * Waits for any number of tasks over one request, and tells of each when it has settled, or why that cannot be told.
   * The lines may come as slowly as they like; each has a number of its own.
   *
   * @throws NoNodeError NodeClosedError, or the signal's reason
   */
  waitEach(
    lines: AsyncIterable<WaitLine>,
    options: WaitEachOptions = {}
  ): AsyncIterable<WaitAnswer> {
    return waitEach(this.#node, this.#wait.bind(this), lines, options)
  }

  #wait(id: string, timeoutMs: number | undefined, signal: AbortSignal): Promise<TaskView> {
    return this.#node.value('GET', pathOf(id, '/wait'), { query: { timeoutMs }, signal })
  }

  /** @throws UnknownTaskError AmbiguousTaskError NoNodeError */
  async get(id: string): Promise<TaskView> {
    return this.#node.value('GET', pathOf(id))
  }

  /**
   * What has happened to a task, as far as the node remembers.
   *
   * @throws UnknownTaskError AmbiguousTaskError NoNodeError
   */
  async history(id: string): Promise<NodeEvent[]> {
    const events: NodeEvent[] = []
    const path = pathOf(id, '/history')
    for await (const event of this.#node.values<NodeEvent>(path)) events.push(event)
    return events
  }

  /**
   * What the runs of a task have said, from the beginning; with `follow`, until it has settled.
   *
   * @throws UnknownTaskError AmbiguousTaskError NoNodeError, or the signal's reason
   */
  logs(id: string, follow: boolean, signal?: AbortSignal): AsyncIterable<LogEntry> {
    const query = { follow: String(follow) }
    return this.#node.values(pathOf(id, '/logs'), { query, signal })
  }

  /**
   * Cancels a task. Resolves when it has settled, after 5 s in any case.
   *
   * @throws UnknownTaskError AmbiguousTaskError NoNodeError
   */
  async cancel(id: string): Promise<CancelResult> {
    return this.#node.value('POST', pathOf(id, '/cancel'), {}, 'any')
  }

  /**
   * Submits a copy of a task that has failed or was cancelled; with dependents, also of what was cancelled with it.
   *
   * @throws UnknownTaskError AmbiguousTaskError TaskStateError BlobUnavailableError NotReplicatedError NoNodeError
   */
  async retry(id: string, withDependents = false): Promise<Retried> {
    const query = withDependents ? { dependents: 'true' } : {}
    return this.#node.value('POST', pathOf(id, '/retry'), { query })
  }

  /** How many tasks a word for many would change, and some of them. @throws InvalidOptionError NoNodeError */
  async previewBulk(request: BulkRequest): Promise<BulkPreview> {
    return this.#node.value('POST', '/v1/bulk', { body: { ...request, dryRun: true } })
  }

  /**
   * Cancels all tasks that fit and have not settled, or submits copies of those that fit and failed or were cancelled.
   *
   * @throws InvalidOptionError CountMismatchError NoNodeError
   */
  async bulk(request: BulkRequest): Promise<BulkResult> {
    return this.#node.value('POST', '/v1/bulk', { body: request })
  }

  /** Why a task does not run, for each node. @throws UnknownTaskError AmbiguousTaskError NoNodeError */
  async why(id: string): Promise<WhyView> {
    return this.#node.value('GET', pathOf(id, '/why'))
  }

  /**
   * Tasks, newest first if nothing else is asked for.
   *
   * @throws InvalidOptionError NoNodeError
   */
  async *list(query: TaskQuery = {}): AsyncGenerator<TaskView> {
    const call = { query: { ...query, state: statesText(query) } }
    for await (const line of this.#node.values<TaskView | PageEnd>('/v1/tasks', call)) {
      if ('id' in line) yield line
    }
  }

  /**
   * A page of a list, without what may be large: its rows, where it ends (null: nothing follows), and how many tasks fit
   * on all pages together.
   *
   * @throws InvalidOptionError NoNodeError
   */
  async page(query: PageQuery & { limit: number }): Promise<Page> {
    const rows: TaskRow[] = []
    const call = { query: { ...query, state: statesText(query), fields: 'brief' } }
    for await (const line of this.#node.values<TaskRow | PageEnd>('/v1/tasks', call)) {
      if ('id' in line) rows.push(line)
      else return { rows, cursor: line.cursor, matched: line.matched }
    }
    return { rows, cursor: null, matched: rows.length }
  }

  /**
   * Has a node, by name or id, take nothing more and hand on what is queued; without one, the node that is asked.
   *
   * @throws UnknownNodeError InvalidOptionError NoNodeError
   */
  async drain(node?: string): Promise<NodeView> {
    return this.#node.value('POST', '/v1/drain', { query: { node } }, named(node))
  }

  /**
   * Has a node that drains take tasks again.
   *
   * @throws UnknownNodeError InvalidOptionError NoNodeError
   */
  async undrain(node?: string): Promise<NodeView> {
    return this.#node.value('POST', '/v1/drain', { query: { node, undo: 'true' } }, named(node))
  }

  /** @throws UnknownNodeError InvalidOptionError NoNodeError */
  async forget(node: string): Promise<NodeView> {
    return this.#node.value('POST', '/v1/forget', { query: { node } }, 'any')
  }

  /**
   * What the node says of itself from now on, in place of its labels so far.
   *
   * @throws InvalidOptionError NoNodeError
   */
  async setLabels(labels: Readonly<Record<string, string>>): Promise<NodeView> {
    return this.#node.value('PUT', '/v1/labels', { body: labels }, 'never')
  }

  /** The node reads its handlers anew. @throws HandlersFileError InvalidOptionError NoNodeError */
  async reload(): Promise<Reloaded> {
    return this.#node.value('POST', '/v1/reload', {}, 'never')
  }

  /** The node begins to leave. @throws NoNodeError */
  async leave(): Promise<void> {
    await this.#node.value('POST', '/v1/leave', {}, 'never')
  }

  /** @throws NoNodeError */
  async nodes(): Promise<NodeView[]> {
    const nodes: NodeView[] = []
    for await (const node of this.#node.values<NodeView>('/v1/nodes')) nodes.push(node)
    return nodes
  }

  /**
   * What there is to measure, as text for Prometheus.
   *
   * @throws NoNodeError
   */
  async metrics(): Promise<string> {
    return this.#node.text('/v1/metrics')
  }

  /** @throws NoNodeError */
  async status(): Promise<StatusView> {
    return this.#node.value('GET', '/v1/status')
  }

  /**
   * What the node can tell for diagnosis.
   *
   * @param names what clusters may be called, whose fingerprints with the node's key are wanted; 64 at most
   * @throws NoNodeError InvalidOptionError
   */
  async diagnosis(names: readonly string[] = []): Promise<DiagnosisView> {
    return this.#node.value('GET', '/v1/diagnosis', { query: { clusters: names.join() } })
  }

  /**
   * A file with all tasks that the node knows, piece by piece.
   *
   * @throws NoNodeError, also when the node goes away on the way
   */
  exportState(): AsyncIterable<string> {
    return this.#node.pieces('/v1/state')
  }

  /**
   * Has the node take in a file of tasks, as `exportState` gives one.
   *
   * @throws ForeignStateFileError NoNodeError, or what the pieces throw
   */
  async importState(pieces: AsyncIterable<string>, rekey = false): Promise<LoadedState> {
    return this.#node.value('POST', '/v1/state', { query: rekey ? { rekey: 'true' } : {}, pieces })
  }

  /**
   * What happens from now on or since a cursor, as the node sees it; ends when the node does. A reader that is much too
   * slow misses events, and is told how many by one called `events:lost`.
   *
   * @throws NoNodeError InvalidOptionError UnknownTaskError, or the signal's reason
   */
  events(filter: EventFilter = {}, signal?: AbortSignal): AsyncIterable<NodeEvent> {
    return this.#node.values('/v1/events', { query: filter, signal })
  }
}

/** The last line of a list that has a limit. */
type PageEnd = { v: 1; cursor: string | null; matched: number }
/** A page as it was when it was read. */
export type Page = { rows: TaskRow[]; cursor: string | null; matched: number }

function statesText({ state }: TaskQuery): string | undefined {
  return typeof state === 'string' ? state : state?.join()
}

/** A key names one task on all nodes: to submit it twice is to submit it once. */
function underKey({ idempotencyKey }: SubmitOptions): Elsewhere {
  return idempotencyKey === undefined ? 'refused' : 'any'
}

/** Without a name, the node that is asked is meant. */
function named(node: string | undefined): Elsewhere {
  return node === undefined ? 'never' : 'any'
}

// oxlint-disable-next-line typescript/require-await -- the other source of a body is asynchronous
async function* whole(text: string): AsyncGenerator<string> {
  yield text
}

async function* asText(lines: AsyncIterable<BatchLine>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`
}

async function* noLines(): AsyncGenerator<never> {}

async function ended(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answers);
}

/** Whether the node knows the question: one of an older version refuses it as wrong. @throws NoNodeError */
async function isKnown(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer
    return true
  } catch (error) {
    if (error instanceof InvalidOptionError) return false
    throw error
  }
}

/** @throws InvalidOptionError if there is no id: a path without one asks something else */
function pathOf(id: string, question = ''): string {
  if (/^\.*$/.test(id)) {
    throw new InvalidOptionError(`a task's id cannot be "${id}": give it, or a part of it`)
  }
  return `/v1/tasks/${encodeURIComponent(id)}${question}`
}
