/**
 * What this node could not read, as people are told of it: whose records, how many, and which versions of hearsay are
 * at odds.
 */
import { nodeOf, type BootId, type NodeId } from '../../core/base/ids.ts'
import type { CoreView } from '../../core/view.ts'
import type { UnreadableView } from '../api/node-api.ts'
import type { Clock } from '../../ports/ports.ts'

/** Time between two looks. */
const LOOK_MS = 5000

/** By who wrote it. @param nameOf what a node is called */
export function unreadableOf(
  core: Pick<CoreView, 'unreadable' | 'stuck' | 'member'>,
  nameOf: (id: NodeId) => string
): UnreadableView[] {
  const byNode = Map.groupBy(core.unreadable(), ({ origin }) => nodeOf(origin))
  for (const boot of core.stuck) if (!byNode.has(nodeOf(boot))) byNode.set(nodeOf(boot), [])
  return [...byNode].map(([id, spans]) => ({
    node: nameOf(id),
    id,
    writes: spans.reduce((sum, { after, upTo }) => sum + upTo - after, 0),
    readers: [...new Set(spans.map(({ by }) => by))].filter(by => by !== '').sort(),
    writer: versionOf(core, new Set(spans.map(({ origin }) => origin))),
    stuck: core.stuck.some(boot => nodeOf(boot) === id)
  }))
}

function versionOf(core: Pick<CoreView, 'member'>, boots: ReadonlySet<BootId>): string | null {
  const [boot = ''] = boots
  const heartbeat = core.member(nodeOf(boot))?.heartbeat
  const isSame = boots.size === 1 && heartbeat?.boot === boot && heartbeat.version !== ''
  return isSame ? heartbeat.version : null
}

/** Says so when it happens: of each node once, and once more when nothing more of it can be taken in. */
export class UnreadableWarnings {
  readonly #look: () => readonly UnreadableView[]
  readonly #warn: (line: string) => void
  readonly #said = new Set<string>()

  constructor(look: () => readonly UnreadableView[], warn: (line: string) => void) {
    this.#look = look
    this.#warn = warn
  }

  /** Begins to look. Returns how to stop it. */
  start(clock: Pick<Clock, 'every'>): () => void {
    return clock.every(LOOK_MS, () => this.look())
  }

  /** Looks once. */
  look(): void {
    for (const view of this.#look()) {
      const key = `${view.id} ${view.stuck}`
      if (this.#said.has(key)) continue
      this.#said.add(key)
      this.#warn(`${sentenceOf(view)}; "hearsay doctor" tells more`)
    }
  }
}

/** What is the matter with the records of one node. */
export function sentenceOf({ node, writes, writer, stuck }: UnreadableView): string {
  const by = writer === null ? '' : ` (hearsay ${writer})`
  const what = `${writes} ${writes === 1 ? 'record' : 'records'} of ${node}${by} cannot be read here`
  return stuck ? `${what}, and nothing more of it is taken in: there are too many` : what
}
