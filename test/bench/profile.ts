/** Where a process spends its time: a CPU profile, summed up by function. */
import { Session } from 'node:inspector/promises'

/** A function, and how much of the CPU time it took itself, in percent. */
export type Cost = Readonly<{ name: string; percent: number }>

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
  async stop(): Promise<Cost[]> {
    const { profile } = await this.#session.post('Profiler.stop')
    this.#session.disconnect()
    const { nodes, samples = [], timeDeltas = [] } = profile
    const names = new Map(
      nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
        const file = url.replace(/^.*\/(node_modules|src)\//, '')
        return [id, `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`]
      })
    )
    const times = new Map<string, number>()
    samples.forEach((id, i) => {
      const name = names.get(id)!
      if (!NOT_OURS.some(start => name.startsWith(start)))
        times.set(name, (times.get(name) ?? 0) + timeDeltas[i]!)
    })
    const total = [...times.values()].reduce((sum, time) => sum + time, 0)
    return [...times]
      .map(([name, time]) => ({ name, percent: (100 * time) / total }))
      .sort((x, y) => y.percent - x.percent)
  }
}
