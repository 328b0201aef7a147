/**
 * What people do with nodes: with this one, and by name or id with others. Have one drained, forget one that will not
 * come back, leave; take its state out, and in.
 */
import type { Input } from '../../core/input.ts'
import { checkNodeOptions } from '../../node-options.ts'
import { DURATION_MS_MAX } from '../../shared/durations.ts'
import { InvalidOptionError, UnknownNodeError } from '../../shared/errors.ts'
import type {
  AdminApi,
  ImportOptions,
  LoadedState,
  NodeView,
  ReloadedHandlers,
  SavedState
} from '../api/node-api.ts'
import type { Queries } from '../queries/queries.ts'
import type { Leaving } from '../runtime/leaving.ts'
import { ownLabels } from '../own-labels.ts'
import type { NodeSettings } from '../settings.ts'
import type { Admission } from './admission.ts'
import type { Backup } from './backup.ts'
import { durationMs } from './checks.ts'
import type { Worker } from './worker.ts'

export type AdminParts = Readonly<{
  feed: (input: Input) => void
  queries: Pick<Queries, 'nodes'>
  backup: Backup
  worker: Pick<Worker, 'reload'>
  leaving: Leaving
  admission: Pick<Admission, 'refuseAll'>
  settings: Pick<NodeSettings, 'commands' | 'graceMs' | 'isNodeName' | 'log' | 'stateFiles'>
}>

export class Admin implements AdminApi {
  readonly #parts: AdminParts

  constructor(parts: AdminParts) {
    this.#parts = parts
  }

  /** @throws InvalidOptionError */
  registerWorker(name: string): void {
    const { settings, feed } = this.#parts
    if (typeof name !== 'string' || !settings.isNodeName(name)) {
      throw new InvalidOptionError(
        `a worker is named computer/instance, not ${JSON.stringify(name)}`
      )
    }
    feed({ kind: 'expect', names: [name] })
  }

  setLabels(labels: Readonly<Record<string, string>>): void {
    const { leaving, feed, settings } = this.#parts
    checkNodeOptions({ labels })
    leaving.assertOpen()
    feed({ kind: 'labels', labels: { ...labels, ...ownLabels(settings.commands) } })
  }

  drain(nameOrId?: string): NodeView {
    return this.#tell('drain', nameOrId, 'to drain')
  }

  undrain(nameOrId?: string): NodeView {
    return this.#tell('undrain', nameOrId, 'to take tasks again')
  }

  #tell(kind: 'drain' | 'undrain', nameOrId: string | undefined, what: string): NodeView {
    const { leaving, feed } = this.#parts
    leaving.assertOpen()
    const node = this.#find(nameOrId)
    if (node.id === null || !node.connected) {
      throw new InvalidOptionError(
        `${nameOrId} cannot be reached from here, so it cannot be told ${what}: see hearsay nodes`
      )
    }
    feed({ kind, node: node.id })
    return node
  }

  async reloadHandlers(files?: readonly string[]): Promise<ReloadedHandlers> {
    const { leaving, worker } = this.#parts
    leaving.assertOpen()
    if (files !== undefined) checkNodeOptions({ handlers: files })
    return worker.reload(files)
  }

  forget(nameOrId: string): NodeView {
    const { leaving, feed } = this.#parts
    leaving.assertOpen()
    const node = this.#find(nameOrId)
    if (node.self || (node.connected && node.status !== 'left')) {
      throw new InvalidOptionError(
        `${nameOrId} is connected: let it leave with "hearsay leave" there instead of forgetting it`
      )
    }
    feed({ kind: 'forget', name: node.name ?? '', node: node.id })
    return node
  }

  exportState(): AsyncIterable<string> {
    return this.#parts.backup.text()
  }

  importState(
    pieces: AsyncIterable<string> | Iterable<string>,
    { rekey = false }: ImportOptions = {}
  ): Promise<LoadedState> {
    return this.#parts.backup.take(pieces, rekey)
  }

  /** @throws InvalidOptionError if it cannot be written */
  async saveState(file: string): Promise<SavedState> {
    const { stateFiles, log } = this.#parts.settings
    const saved = await stateFiles.write(file, this.exportState())
    if (saved.missing > 0) {
      log.warn(
        `${file} lacks ${saved.missing} large payloads or results, which no node that can be asked has`
      )
    }
    return saved
  }

  /** @throws ForeignStateFileError InvalidOptionError DiskFullError NodeClosedError */
  loadState(file: string): Promise<LoadedState> {
    return this.importState(this.#parts.settings.stateFiles.read(file))
  }

  async leave(graceMs: number = this.#parts.settings.graceMs): Promise<void> {
    const { leaving, admission } = this.#parts
    const left = leaving.leave(durationMs('graceMs', graceMs, 0, DURATION_MS_MAX))
    admission.refuseAll(leaving.stoppingError)
    return left
  }

  #find(nameOrId: string | undefined): NodeView {
    const nodes = this.#parts.queries.nodes()
    const found = nodes.find(({ name, id, self }) =>
      nameOrId === undefined ? self : name === nameOrId || id === nameOrId
    )
    if (found !== undefined) return found
    const names = nodes.map(({ name }) => name).filter(name => name !== null)
    throw new UnknownNodeError(`no node is called ${nameOrId}: there are ${names.join(', ')}`)
  }
}
