/**
 * From what was seen to what is wrong, and what to do about it. Pure: whatever it needs to know has been looked up.
 *
 * Each check knows one fault. They are independent, except that a node which was heard in the wrong place is not also
 * blamed on a firewall.
 */
import type { DiagnosisView } from '../node/api/node-api.ts'
import type { Answer } from '../net/discovery/tcp-probe.ts'
import { hostsOf, isLoopbackHost } from './address.ts'
import {
  checkCompany,
  checkExpected,
  checkLost,
  checkPeers,
  type Unanswered
} from './expected-findings.ts'
import { cloned, type Finding } from './finding.ts'
import type { Heard } from './hearing.ts'
import { checkMembers } from './member-findings.ts'
import { isWithin, type Interface, type Network } from './network.ts'

/** A node that should be linked to ours, and is not. */
export type Unlinked = Readonly<{
  id: string
  name: string | null
  addresses: readonly string[]
  /** What the best of its addresses says to a connection. */
  answer: Answer
}>

export type Facts = Readonly<{
  cluster: string
  /** Why there is no usable key; null if there is one. */
  noKey: string | null
  /** Of our key, by what the clusters that were heard are called. */
  fingerprints: Readonly<Record<string, string>>
  node: DiagnosisView | null
  /** Null if the node does not look for others. */
  network: Network | null
  unlinked: readonly Unlinked[]
  unanswered: readonly Unanswered[]
  /**
   * Ids of nodes that ours was linked to before anybody looked at the network: on Linux, what one process joins is
   * heard by all, so the look itself lets a node hear what it does not ask for.
   */
  linkedBefore: ReadonlySet<string>
}>

export function findingsOf(facts: Facts): Finding[] {
  const { network, node } = facts
  const misplaced = network === null ? [] : misplacedOf(facts, network)
  const ids = new Set(misplaced.map(({ id }) => id))
  const found = [
    ...checkKey(facts),
    ...(network === null ? [] : checkMulticast(network)),
    ...(network === null ? [] : checkInterface(facts, network, misplaced)),
    ...facts.unlinked.filter(({ id }) => !ids.has(id)).map(oneWay),
    ...(network?.heard ?? []).flatMap(heard => checkIdentity(facts, heard)).filter(isFirst),
    ...(network?.heard ?? []).flatMap(heard => checkCopies(facts, heard)).filter(isFirst),
    ...(node === null
      ? []
      : [
          ...checkPeers(node, facts.unanswered),
          ...checkExpected(node),
          ...checkLost(node),
          ...checkMembers(node),
          ...checkDisk(node),
          ...checkRecords(node),
          ...checkStarts(node)
        ])
  ].filter(isFirst)
  if (network === null) return found
  const heard = oursAmong(facts, network.heard).length
  return [...found, ...checkCompany(facts.cluster, node, heard, found)]
}

/** Of the cluster's nodes that were heard, those that are ours and not this node itself. */
export function oursAmong(
  { cluster, fingerprints, node }: Pick<Facts, 'cluster' | 'fingerprints' | 'node'>,
  heard: readonly Heard[]
): Heard[] {
  return heard.filter(
    other =>
      other.cluster === cluster &&
      other.fingerprint === fingerprints[cluster] &&
      other.id !== node?.id
  )
}

/** A cluster with another name and another key, of which nodes are heard: no fault, but it may have been meant. */
export type OtherCluster = Readonly<{ cluster: string; nodes: number }>

/** The clusters that are heard and have nothing in common with ours, in the order of their names. */
export function strangersAmong(
  { cluster, fingerprints }: Pick<Facts, 'cluster' | 'fingerprints'>,
  heard: readonly Heard[]
): OtherCluster[] {
  const nodes = new Map<string, number>()
  for (const { cluster: theirs, fingerprint } of heard) {
    if (theirs === cluster || fingerprint === fingerprints[theirs]) continue
    nodes.set(theirs, (nodes.get(theirs) ?? 0) + 1)
  }
  return [...nodes]
    .map(([name, count]) => ({ cluster: name, nodes: count }))
    .sort((x, y) => (x.cluster < y.cluster ? -1 : 1))
}

function checkKey({ noKey }: Facts): Finding[] {
  if (noKey === null) return []
  const cure =
    'copy the key file of another computer of the cluster here, or make the first key with "hearsay key new --save"'
  return [{ code: 'no-key', severity: 'error', what: noKey, cure }]
}

function checkMulticast({ used, deaf, interfaces, heard }: Network): Finding[] {
  const isOffline = interfaces.every(({ internal }) => internal)
  // Nodes that are all on this computer need no other network.
  if (isOffline && deaf === null && heard.length > 0) return []
  if (!isOffline && (deaf === null || used?.internal === true)) return []
  const where = used === null ? 'this computer' : `${used.name} (${used.address})`
  const outside = interfaces.find(({ internal }) => !internal)
  const why = deaf ?? 'there is no network interface but the one inside of this computer'
  const route = `ip route add 224.0.0.0/4 dev ${(used ?? outside)?.name ?? 'INTERFACE'}`
  return [
    {
      code: 'no-multicast',
      severity: 'error',
      what: `multicast does not work on ${where}, so nodes do not find each other: a question to 224.0.0.251 port 5353 is not heard by others (${why})`,
      cure:
        outside === undefined
          ? 'connect this computer to a network; nodes on it alone find each other by --peer'
          : `allow UDP port 5353 in the firewall, in and out, and see that there is a route for multicast ("${route}"); or name other nodes with --peer /ip4/ADDRESS/tcp/PORT`
    }
  ]
}

/** Nodes that were heard from a network that ours does not ask in, and that it is not connected to. */
function misplacedOf(facts: Facts, { heard, used, interfaces }: Network): Heard[] {
  if (used === null) return []
  const own = new Set(interfaces.map(({ address }) => address))
  return oursAmong(facts, heard).filter(
    ({ id, from }) =>
      !facts.linkedBefore.has(id) &&
      from.every(address => !own.has(address) && !isWithin(address, used))
  )
}

function checkInterface(
  { node }: Facts,
  { used, interfaces }: Network,
  misplaced: readonly Heard[]
): Finding[] {
  const only = node?.mdns?.interface ?? null
  const outside = interfaces.filter(({ internal }) => !internal)
  const from = misplaced.flatMap(heard => heard.from)
  const right = outside.find(face => from.some(address => isWithin(address, face)))
  const better = right ?? outside.find(face => face !== used)
  const found = (what: string, face: Interface | undefined): Finding[] => {
    const way = face === undefined ? 'the address of an interface that it has' : face.address
    const cure = `start the node with HEARSAY_MDNS=${way}, or with "mdns": { "interface": "${way}" } in its config file`
    return [{ code: 'wrong-interface', severity: 'error', what, cure }]
  }
  if (only !== null && used === null) {
    return found(
      `the node looks for others on ${only}, which is no address of this computer`,
      better
    )
  }
  if (used === null) return []
  const here = `${used.name} (${used.address})`
  const who = node === null ? 'nodes here look' : 'the node looks'
  if (misplaced.length > 0) {
    const there = `${right === undefined ? '' : `${right.name}, `}from ${[...new Set(from)].join(', ')}`
    return found(`${who} for others on ${here}, but others are heard on ${there}`, better)
  }
  const isAlone = node !== null && !node.nodes.some(({ self, connected }) => !self && connected)
  if (!used.internal || !isAlone || better === undefined) return []
  return found(
    `${who} for others on ${here} only, where nobody but this computer can be, and has found nobody`,
    better
  )
}

function oneWay({ id, name, addresses, answer }: Unlinked): Finding {
  const who = name ?? id
  const hosts = hostsOf(addresses)
  if (hosts.length > 0 && hosts.every(isLoopbackHost)) {
    return {
      code: 'one-way-link',
      severity: 'error',
      what: `${who} is heard but not connected: it listens on ${hosts.join(', ')} only, where no other computer reaches it`,
      cure: `start ${who} without --listen, or with --listen /ip4/0.0.0.0/tcp/0`
    }
  }
  const says = {
    silent: 'does not answer',
    refused: 'refuses connections',
    answered: 'answers, but no link comes about'
  }[answer]
  return {
    code: 'one-way-link',
    severity: 'error',
    what: `${who} is heard but not connected: ${addresses.join(', ') || 'it tells no address, and'} ${says}`,
    cure:
      answer === 'answered'
        ? `wait a few seconds and ask again; if it stays so, run "hearsay doctor" on the computer of ${who}, too`
        : `packets pass one way only: allow TCP between the two computers in the firewalls of both, in and out (--listen /ip4/0.0.0.0/tcp/4001 gives a node a port that stays the same), and see that each has a route to the other`
  }
}

/** Whether a node that was heard has our name and another key, or our key and another name. */
function checkIdentity({ cluster, fingerprints, noKey }: Facts, heard: Heard): Finding[] {
  const { cluster: theirs, fingerprint, from } = heard
  const ours = fingerprints[theirs]
  if (noKey !== null || ours === undefined) return []
  const where = from.join(', ')
  if (theirs === cluster && fingerprint !== ours) {
    return [
      {
        code: 'key-mismatch',
        severity: 'error',
        what: `a node at ${where} belongs to a cluster called "${cluster}", too, but has another key (fingerprint ${fingerprint}, here ${ours})`,
        cure: `if it shall be in this cluster, give both the same key: copy the key file ("hearsay key show --cluster ${cluster}" prints key and fingerprint), and start the node again; else give its cluster another name with --cluster`
      }
    ]
  }
  if (theirs === cluster || fingerprint !== ours) return []
  return [
    {
      code: 'name-mismatch',
      severity: 'error',
      what: `a node at ${where} has the same key, but calls its cluster "${theirs}", not "${cluster}"`,
      cure: `start all of them with the same --cluster NAME (or HEARSAY_CLUSTER, or "cluster" in the config file); clusters that shall stay apart should have a key each`
    }
  ]
}

/** Whether an identity is announced by two at a time. */
function checkCopies({ cluster, fingerprints, node, network }: Facts, heard: Heard): Finding[] {
  const { id, announced, fingerprint } = heard
  if (heard.cluster !== cluster || fingerprint !== fingerprints[cluster]) return []
  const own = new Set((network?.interfaces ?? []).map(({ address }) => address))
  const places = announced.map(addresses => hostsOf(addresses)).filter(hosts => hosts.length > 0)
  const isElsewhere = id === node?.id && places.some(hosts => hosts.every(host => !own.has(host)))
  const [first = [], ...rest] = places
  const isTwice = rest.some(hosts => hosts.every(host => !first.includes(host)))
  if (!isElsewhere && !isTwice) return []
  const name = node?.nodes.find(other => other.id === id)?.name ?? id
  return [cloned(name, `from ${[...new Set(places.flat())].join(' and ')}`)]
}

function checkDisk({ node, disk }: DiagnosisView): Finding[] {
  // A node of an older version does not say.
  if (typeof disk !== 'string') return []
  return [
    {
      code: 'disk-full',
      severity: 'error',
      what: `${node} accepts and begins nothing: ${disk}`,
      cure: 'make room on its disk; it is tried again every second'
    }
  ]
}

/** Whether the node has passed over what it could not read. */
function checkRecords({ node, version, unreadable }: DiagnosisView): Finding[] {
  // A node of an older version does not say.
  return (unreadable ?? []).map(({ node: writer, writes, readers, writer: by, stuck }) => {
    const versions = readers.filter(reader => reader !== version)
    const noted = versions.length > 0 ? `, nor could ${versions.join(', ')}` : ''
    const wrote = by === null ? '' : `, which runs ${by}`
    const stands = stuck ? ', and takes in nothing more of it, for there are too many' : ''
    return {
      code: 'unreadable-records',
      severity: stuck ? 'error' : 'warning',
      what: `${node} (hearsay ${version}${noted}) cannot read ${writes} ${writes === 1 ? 'record' : 'records'} of ${writer}${wrote}${stands}: it does not know these tasks as they are, and they are forgotten nowhere`,
      cure: `upgrade ${node} to the newest version in the cluster and start it again: it asks for them then; if they run the same version, that is a fault of hearsay, please report it`
    }
  })
}

/** Whether tasks wait for nodes that may never come back. */
function checkStarts({ node, unconfirmed }: DiagnosisView): Finding[] {
  // A node of an older version does not say.
  if (!unconfirmed) return []
  const { tasks, missing } = unconfirmed
  const names = missing.join(' and ')
  return [
    {
      code: 'start-unconfirmed',
      severity: 'error',
      what: `${node} runs ${tasks} ${tasks === 1 ? 'task' : 'tasks'} when another node knows of the start, and none is connected: ${names}`,
      cure: `start ${names} again; if it will not come back: ${missing.map(name => `"hearsay forget ${name}"`).join(', ')}`
    }
  ]
}

/** Several nodes may show the same fault. */
function isFirst({ code, what }: Finding, place: number, all: readonly Finding[]): boolean {
  return all.findIndex(other => other.code === code && other.what === what) === place
}
