/** A receiver that writes down what a transport tells it. */
import type {
  Message,
  SyncRequest,
  OutputAnswer,
  OutputRequest,
  TimelineAnswer,
  TimelineRequest
} from '../../src/core/message.ts'
import type { Receiver } from '../../src/ports/ports.ts'

type Heard = { from: string; message: Message }

/** Writes down everything, in order. */
export class Recorder implements Receiver {
  readonly messages: Heard[] = []
  readonly links: { peer: string; up: boolean }[] = []
  readonly ended: { peer: string; whole: boolean }[] = []
  own: readonly string[] = []
  answer: (from: string, request: SyncRequest) => Iterable<Message> = () => []
  readonly blobs: Map<string, () => AsyncIterable<Uint8Array>> = new Map()
  onLink: (peer: string, up: boolean) => void = () => {}
  output: (request: OutputRequest) => AsyncIterable<OutputAnswer> = async function* () {}
  timeline: (request: TimelineRequest) => Iterable<TimelineAnswer> = () => []

  message(from: string, message: Message): void {
    this.messages.push({ from, message })
  }
  link(peer: string, up: boolean): void {
    this.links.push({ peer, up })
    this.onLink(peer, up)
  }
  syncEnded(peer: string, whole: boolean): void {
    this.ended.push({ peer, whole })
  }
  addresses(addresses: readonly string[]): void {
    this.own = addresses
  }
  answerSync(from: string, request: SyncRequest): Iterable<Message> {
    return this.answer(from, request)
  }
  async readBlob(hash: string): Promise<AsyncIterable<Uint8Array> | null> {
    return this.blobs.get(hash)?.() ?? null
  }
  answerOutput(request: OutputRequest): AsyncIterable<OutputAnswer> {
    return this.output(request)
  }
  answerTimeline(request: TimelineRequest): Iterable<TimelineAnswer> {
    return this.timeline(request)
  }
  isLinked(peer: string): boolean {
    return this.links.findLast(link => link.peer === peer)?.up ?? false
  }
  linked(): string[] {
    return [...new Set(this.links.map(({ peer }) => peer))].filter(peer => this.isLinked(peer))
  }
}
