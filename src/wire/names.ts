/**
 * The long names of boots: once in each message, and once in memory.
 */

/**
 * Number of names from which on there is an index of them: to look through the few of a single task takes less than to
 * make one.
 */
const INDEXED_MIN = 8

/** Reasons that are kept, for a log that people read. */
const WHYS_MAX = 8

/** The names met so far in one message, and what in it could not be read. */
export class Names {
  /** Why, of the first records that could not be. */
  readonly unreadable: string[] = []
  #numbers: Map<string, number> | null = null
  readonly #names: string[] = []

  /** How many there are. */
  get count(): number {
    return this.#names.length
  }

  /** A record cannot be read. */
  noteUnreadable(why: string): void {
    if (this.unreadable.length < WHYS_MAX) this.unreadable.push(why)
  }

  /** Forgets all but the first of them. */
  cut(count: number): void {
    while (this.#names.length > count) {
      const last = this.#names.pop()!
      if (this.#numbers?.get(last) === this.#names.length) this.#numbers.delete(last)
    }
  }

  number(name: string): number | undefined {
    if (this.#numbers !== null) return this.#numbers.get(name)
    const number = this.#names.indexOf(name)
    return number === -1 ? undefined : number
  }

  at(number: number): string | undefined {
    return this.#names[number]
  }

  add(name: string): void {
    this.#numbers?.set(name, this.#names.length)
    this.#names.push(name)
    if (this.#names.length === INDEXED_MIN) {
      this.#numbers = new Map(this.#names.map((each, number) => [each, number]))
    }
  }
}

/**
 * Names that came lately, each in one copy. Almost all that is done with a name is to compare it with another and to
 * look it up, and two copies of a long text are compared letter by letter.
 */
const lately = new Map<string, string>()
/** Twenty boots of each of fifty nodes. */
const LATELY_MAX = 1000

/** The one copy of a name. */
export function shared(name: string): string {
  const known = lately.get(name)
  if (known !== undefined) return known
  if (lately.size === LATELY_MAX) lately.clear()
  lately.set(name, name)
  return name
}
