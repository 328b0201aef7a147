/**
 * Lines of one request that depend on lines before them, as `ref:NAME`. A task has its id before it is on any disk, so
 * a chain is submitted as fast as tasks that know nothing of each other, and not link by link.
 */
import { InvalidOptionError, NotReplicatedError } from '../../shared/errors.ts'
import type { IdListener } from '../../node/api/node-api.ts'

const REF_MARK = 'ref:'

type Options = Readonly<Record<string, unknown>>

export class LineRefs {
  /** Ref -> the id of its task; null: the line was refused. */
  readonly #ids = new Map<string, Promise<string | null>>()

  /**
   * Submits a line when those that it depends on have ids. Lines have to be given in their order.
   *
   * @param submit called with the line's options, of which `dependsOn` has ids in place of refs
   * @throws InvalidOptionError if one of those is none of the lines before, or was refused; or what `submit` throws
   */
  async submit<T extends Readonly<{ id: string }>>(
    options: Options,
    submit: (options: Options, named: IdListener) => Promise<T>
  ): Promise<T> {
    // Before the line has a name itself: it cannot depend on itself.
    const tied = this.#tied(options)
    const { promise, resolve } = Promise.withResolvers<string | null>()
    const { ref } = options
    if (typeof ref === 'string') this.#ids.set(ref, promise)
    try {
      const submitted = await submit(await tied, resolve)
      resolve(submitted.id)
      return submitted
    } catch (error) {
      resolve(error instanceof NotReplicatedError ? error.taskId : null)
      throw error
    }
  }

  async #tied(options: Options): Promise<Options> {
    const { dependsOn } = options
    if (!Array.isArray(dependsOn) || !dependsOn.some(isRef)) return options
    const ids = dependsOn.map((id: unknown) => (isRef(id) ? this.#idOf(id) : id))
    return { ...options, dependsOn: await Promise.all(ids) }
  }

  async #idOf(mark: string): Promise<string> {
    const known = this.#ids.get(mark.slice(REF_MARK.length))
    if (known === undefined) throw new InvalidOptionError(`no line before this one is ${mark}`)
    const id = await known
    if (id === null) throw new InvalidOptionError(`depends on ${mark}, which was refused`)
    return id
  }
}

function isRef(id: unknown): id is string {
  return typeof id === 'string' && id.startsWith(REF_MARK)
}
