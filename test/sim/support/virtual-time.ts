/**
 * The simulator's network and disk as ports, so that the suites in test/contract run against them, too. Virtual time
 * runs as fast as it can while a test waits.
 */
import { encode } from '../../../src/wire/codec.ts'
import { GOSSIP_BYTES_MAX } from '../../../src/core/options.ts'
import type { Flush } from '../../../src/core/effect.ts'
import type { Message, SyncRequest } from '../../../src/core/message.ts'
import type {
  Journal,
  NetCounters,
  PeerView,
  UnansweredPeer,
  Receiver,
  Replay,
  Transport
} from '../../../src/ports/ports.ts'
import type { Disk } from '../../../src/sim/world/disk.ts'
import { EventQueue } from '../../../src/sim/world/event-queue.ts'
import type { Network } from '../../../src/sim/world/network.ts'
import { Random } from '../../../src/sim/world/random.ts'
import { SimJournal } from '../../../src/sim/world/sim-journal.ts'

/** What is due happens, a little in each turn of the loop, until it is stopped. */
export class VirtualTime {
  readonly eventQueue = new EventQueue()
  readonly #timer = setInterval(() => {
    for (let n = 0; n < STEPS_A_TURN && this.eventQueue.runNext(Infinity); n++);
  }, 1)

  stop(): void {
    clearInterval(this.#timer)
  }
}

const STEPS_A_TURN = 200

export class VirtualTransport implements Transport {
  readonly id: string
  readonly #network: Network
  readonly #linked = new Map<string, boolean>()
  #dropped = 0
  #isOpen = false

  constructor(id: string, network: Network) {
    this.id = id
    this.#network = network
  }

  async start(receiver: Receiver): Promise<void> {
    this.#isOpen = true
    this.#network.join(this.id, {
      message: (from, message) => receiver.message(from, message),
      link: (peer, up) => {
        this.#linked.set(peer, up)
        receiver.link(peer, up)
      },
      syncEnded: (peer, whole) => receiver.syncEnded(peer, whole),
      addresses: addresses => receiver.addresses(addresses),
      answerSync: (from, request) => receiver.answerSync(from, request),
      hasBlob: () => false
    })
  }

  send(to: string, message: Message): void {
    if (!this.#isOpen || this.#linked.get(to) !== true) this.#dropped++
    else this.#network.send(this.id, to, message)
  }

  /** The simulated network takes a message that is too large for a mistake of the core, and says so. */
  publish(message: Message): void {
    if (!this.#isOpen || encode(message).length > GOSSIP_BYTES_MAX) this.#dropped++
    else this.#network.publish(this.id, message)
  }

  sync(peer: string, request: SyncRequest): void {
    this.#network.sync(this.id, peer, request)
  }

  probe(peer: string): Promise<boolean> {
    return new Promise(resolve => this.#network.probe(this.id, peer, () => false, resolve))
  }

  async meets(): Promise<boolean> {
    return false
  }

  /** Blobs have no bytes here. */
  fetchBlob(): Promise<boolean> {
    return Promise.resolve(false)
  }

  /** Runs say nothing here. */
  async *askOutput(): AsyncGenerator<never> {}

  async *askTimeline(): AsyncGenerator<never> {}

  peers(): readonly PeerView[] {
    return Array.from(this.#linked, ([id, connected]) => ({ id, addresses: [], connected }))
  }

  unanswered(): readonly UnansweredPeer[] {
    return []
  }

  counters(): NetCounters {
    return { refused: 0, dropped: this.#dropped, bytesSent: 0, bytesReceived: 0, syncBytes: 0 }
  }

  async stop(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#network.leave(this.id)
  }
}

/** Dice that fall as they are told to. */
class Loaded extends Random {
  readonly #yes: boolean

  constructor(yes: boolean) {
    super(1)
    this.#yes = yes
  }

  override chance(probability: number): boolean {
    return probability === 1 || this.#yes
  }
}

export class VirtualJournal implements Journal {
  readonly #disk: Disk
  readonly #journal: SimJournal
  #writing: Promise<void> = Promise.resolve()
  #isOpen = true

  constructor(disk: Disk, { eventQueue }: VirtualTime) {
    this.#disk = disk
    const world = { eventQueue, random: new Random(1) }
    this.#journal = new SimJournal(disk, 0, world, { diskMsMax: 5, torn: 0 })
  }

  async replay(): Promise<Replay> {
    return this.#disk.replay()
  }

  write(flush: Flush): Promise<void> {
    const writing = new Promise<void>((resolve, reject) => {
      if (!this.#isOpen) throw new Error('the journal is closed')
      this.#journal.write(flush, isWritten => {
        if (isWritten) resolve()
        else reject(new Error('the disk is full'))
      })
    })
    this.#writing = writing.catch(() => {})
    return writing
  }

  async close(): Promise<void> {
    this.#isOpen = false
    await this.#writing
  }
}

/** A process ends in the middle of a flush. @param left what of that is on the disk afterwards */
export function cutShort(disk: Disk, flush: Flush, left: 'all' | 'nothing' | 'torn'): void {
  const world = { eventQueue: new EventQueue(), random: new Loaded(left === 'all') }
  const journal = new SimJournal(disk, 0, world, { diskMsMax: 5, torn: left === 'torn' ? 1 : 0 })
  journal.write(flush, () => {})
  journal.crash()
}
