/** Where a process spends its time: a CPU profile, summed up by function. */
import { Session, type Profiler } from 'node:inspector/promises'

/** A function, and how much of the CPU time it took itself, in percent. */
export type Cost = Readonly<{ name: string; percent: number }>

/** The costs, and the profile itself, which browsers and speedscope show as a flame graph. */
export type Profiled = Readonly<{ costs: readonly Cost[]; profile: object }>

/** Waiting, and the profiler's own work. */
const NOT_OURS = ['(idle)', '(program)', 'post node:inspector']

export class Profile {
  readonly #session = new Session()

  async start(): Promise<void> {
    this.#session.connect()
    await this.#session.post('Profiler.enable')
    await this.#session.post('Profiler.start')
  }

  /** The costs, largest first; without the time in which there was nothing to do. */
  async stop(): Promise<Profiled> {
    const { profile } = await this.#session.post('Profiler.stop')
    this.#session.disconnect()
    const { nodes, samples = [] } = profile
    const names = namesOf(nodes)
    // Samples are counted, and not the time between them: on a busy computer most of that is somebody else's.
    const counts = new Map<string, number>()
    for (const id of samples) {
      const name = names.get(id)!
      if (NOT_OURS.some(start => name.startsWith(start))) continue
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
    const costs = [...counts]
      .map(([name, count]) => ({ name, percent: (100 * count) / total }))
      .sort((x, y) => y.percent - x.percent)
    return { costs, profile }
  }
}

/** What each function is called, and where it is. Native ones without a name are called by who calls them. */
function namesOf(nodes: readonly Profiler.ProfileNode[]): ReadonlyMap<number, string> {
  const callers = new Map(
    nodes.flatMap(node => (node.children ?? []).map(child => [child, node] as const))
  )
  return new Map(
    nodes.map(node => {
      const caller = callers.get(node.id)
      const isNameless = node.callFrame.functionName === '' && node.callFrame.url === ''
      return [node.id, isNameless && caller ? `native, for ${nameOf(caller)}` : nameOf(node)]
    })
  )
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: Profiler.ProfileNode): string {
  const file = url.replace(/^.*\/(node_modules|src)\//, '')
  return `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`
}
