/**
 * Makes nodes out of the answers that mDNS brings. Anybody on the network can make up answers, so there is a bound on
 * how many are kept, and whatever is not as it should be is left out.
 */
import type { ResponsePacket } from 'multicast-dns'
import { clusterOfTag, servicesTag } from '../net/protocol.ts'

type Answers = NonNullable<ResponsePacket['answers']>

/** A node that was heard. */
export type Heard = Readonly<{
  cluster: string
  fingerprint: string
  id: string
  /** Where its answers came from. */
  from: readonly string[]
  /** What it announces, an entry for each answer that was different. */
  announced: readonly (readonly string[])[]
}>

const TAGS_MAX = 64
const NODES_MAX = 512
const ANSWERS_MAX = 8

type Node = { tag: string; id: string; from: Set<string>; announced: Map<string, string[]> }

export class Hearing {
  /** The services that there are. */
  readonly tags: Set<string> = new Set()
  readonly #nodes = new Map<string, Node>()

  get heard(): Heard[] {
    return [...this.#nodes.values()].map(({ tag, id, from, announced }) => ({
      ...clusterOfTag(tag)!,
      id,
      from: [...from],
      announced: [...announced.values()]
    }))
  }

  /** One packet. */
  take(answers: Answers, from: string): void {
    for (const answer of answers) {
      if (answer.type !== 'PTR') continue
      if (answer.name === servicesTag) this.#noteTag(answer.data)
      else if (clusterOfTag(answer.name) !== null) this.#noteNode(answer.name, answers, from)
    }
  }

  #noteTag(tag: string): void {
    if (clusterOfTag(tag) !== null && this.tags.size < TAGS_MAX) this.tags.add(tag)
  }

  #noteNode(tag: string, answers: Answers, from: string): void {
    const texts = answers.flatMap(answer => (answer.type === 'TXT' ? [answer.data].flat() : []))
    const found = texts.map(text => /^dnsaddr=(\/[^\s]+)\/p2p\/(\w+)$/.exec(text.toString()))
    const addresses = found.map(match => match?.[1]).filter(address => address !== undefined)
    const id = found.find(match => match !== null)?.[2]
    if (id === undefined) return
    const key = `${tag} ${id}`
    let node = this.#nodes.get(key)
    if (node === undefined) {
      if (this.#nodes.size >= NODES_MAX) return
      node = { tag, id, from: new Set(), announced: new Map() }
      this.#nodes.set(key, node)
    }
    if (node.from.size < ANSWERS_MAX) node.from.add(from)
    if (node.announced.size < ANSWERS_MAX)
      node.announced.set(addresses.toSorted().join(), addresses)
  }
}
