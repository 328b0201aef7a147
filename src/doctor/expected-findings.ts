/** What should be there and is not: addresses of the settings, expected nodes, anybody at all. */
import type { DiagnosisView } from '../node/api/node-api.ts'
import type { Answer } from '../net/discovery/tcp-probe.ts'
import { endpoint } from './address.ts'
import type { Finding } from './finding.ts'

/** An address of the settings at which no node of the cluster answers. */
export type Unanswered = Readonly<{
  address: string
  silentMs: number
  /** What it says to a connection now; null if nobody has tried. */
  answer: Answer | null
}>

export function checkPeers(
  { node, nodes }: DiagnosisView,
  unanswered: readonly Unanswered[]
): Finding[] {
  const linked = nodes.filter(({ connected, self }) => connected && !self)
  const reached = new Set(linked.flatMap(({ addresses }) => addresses.map(placeOf)))
  return unanswered
    .filter(({ address }) => !reached.has(placeOf(address)))
    .map(({ address, silentMs, answer }) => ({
      code: 'peer-unanswered',
      severity: 'error',
      what: `no node of this cluster answers ${node} at ${placeOf(address)}, which --peer names, for ${Math.round(silentMs / 1000)} s${saysOf(answer)}`,
      cure: cureOf(address, answer)
    }))
}

function placeOf(address: string): string {
  const end = endpoint(address)
  return end === null ? address : `${end.host}:${end.port}`
}

function saysOf(answer: Answer | null): string {
  if (answer === null) return ''
  return {
    refused: ': the connection is refused',
    silent: ': nothing comes back',
    answered: ': a program listens there, but no link comes about'
  }[answer]
}

function cureOf(address: string, answer: Answer | null): string {
  const port = endpoint(address)?.port ?? 4001
  const listen = `see that a node runs there and was started with --listen /ip4/0.0.0.0/tcp/${port}`
  const key = 'it may have another key or another --cluster: "hearsay doctor" there tells its own'
  if (answer === 'answered') return key
  const way =
    answer === 'refused'
      ? listen
      : `${listen}, that its computer is on, and that no firewall drops TCP`
  return `${way}; if the address is wrong or its node is gone for good, start this node without it`
}

/** Instances of the roster that are not there. */
export function checkExpected({ node, nodes, expected }: Partial<DiagnosisView>): Finding[] {
  // A node of an older version does not say.
  return (expected ?? []).flatMap((name): Finding[] => {
    const known = (nodes ?? []).filter(other => other.name === name)
    if (known.some(({ status }) => status === 'alive')) return []
    const last = known.find(({ status }) => status !== 'left' && status !== null) ?? known[0]
    return [
      {
        code: 'missing-node',
        severity: 'warning',
        what: `${name} is expected, and ${stateOf(node ?? 'this node', last)}`,
        cure: `start ${name}, or run "hearsay doctor" on its computer; if it will not come, or the name is wrong: "hearsay forget ${name}", and take it out of "roster" in the configuration`
      }
    ]
  })
}

/** Members that no list names, and that have gone without a goodbye: they count for majorities until they are forgotten. */
export function checkLost({ node, nodes, expected }: Partial<DiagnosisView>): Finding[] {
  const named = new Set(expected ?? [])
  const lost = (nodes ?? []).filter(({ name, status }) => {
    const isGone = status === 'crashed' || status === 'unreachable'
    if (!isGone || name === null || named.has(name)) return false
    return !(nodes ?? []).some(other => other.name === name && other.status === 'alive')
  })
  return lost.map(other => ({
    code: 'missing-node',
    severity: 'warning',
    what: `${other.name} was a member, and ${stateOf(node ?? 'this node', other)}`,
    cure: `start ${other.name} again, or run "hearsay doctor" on its computer; if it will not come back: "hearsay forget ${other.name}", or it counts for majorities for a day`
  }))
}

function stateOf(node: string, known: DiagnosisView['nodes'][number] | undefined): string {
  const { status = null, heartbeatAgeMs = null } = known ?? {}
  if (status === null) return `${node} has never seen it`
  if (status === 'left' || status === 'crashed') return `has ${status}`
  return heartbeatAgeMs === null
    ? `is not heard since ${node} was started`
    : `is silent for ${Math.round(heartbeatAgeMs / 1000)} s`
}

/** Faults that say why nobody is heard. */
const REASONS = new Set<Finding['code']>([
  'no-key',
  'no-multicast',
  'wrong-interface',
  'one-way-link',
  'key-mismatch',
  'name-mismatch'
])

/**
 * Nobody is heard, nobody is linked, and no other finding says why.
 *
 * @param heard how many nodes of the cluster were heard
 * @param found what was found besides
 */
export function checkCompany(
  cluster: string,
  node: DiagnosisView | null,
  heard: number,
  found: readonly Finding[]
): Finding[] {
  const isLinked = (node?.nodes ?? []).some(({ self, connected }) => connected && !self)
  if (heard > 0 || isLinked || found.some(({ code }) => REASONS.has(code))) return []
  return [
    {
      code: 'nobody-heard',
      severity: 'warning',
      what: `no other node of the cluster "${cluster}" is heard by mDNS, though multicast works on this computer`,
      cure: 'start a node on another computer (or one more here, with another --instance); if others run, the network between drops multicast (Wi-Fi that keeps clients apart, a bridge of Docker, NAT of WSL): allow it there, or name them with --peer ADDRESS:PORT'
    }
  ]
}
