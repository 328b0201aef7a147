/**
 * How much a thread may have said that the node has not yet taken in.
 *
 * What a thread posts lies in the node's memory until the node has time for it, and a node that is busy for seconds
 * must not find megabytes there. So a thread has a number of reports on credit, and each is given back when the node
 * takes it in. The count of those taken is in memory that both share, so that a handler which never pauses sees it
 * grow, too.
 */

/**
 * Reports of one thread, of at most 8 KiB each: 2 MiB at the very most. As many as a handler may make at once: 1 MiB in
 * a second, of which 100 pieces may be short ones (printing/run-output.ts), and some progress.
 */
const REPORTS_MAX = 256

/** The thread's side. */
export class Credit {
  readonly #taken: Int32Array
  #given = 0

  constructor(taken: SharedArrayBuffer) {
    this.#taken = new Int32Array(taken)
  }

  /** Whether one more may be sent now. Both counts may run over, and their difference is right all the same. */
  get isLeft(): boolean {
    return ((this.#given - Atomics.load(this.#taken, 0)) | 0) < REPORTS_MAX
  }

  use(): void {
    this.#given = (this.#given + 1) | 0
  }
}

/** The node's side. */
export class Taken {
  readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4)
  readonly #count = new Int32Array(this.buffer)

  add(): void {
    Atomics.add(this.#count, 0, 1)
  }
}
