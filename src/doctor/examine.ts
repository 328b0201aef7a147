/**
 * The examination: asks the node, if there is one, and looks at the network, as far as the node uses it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DiagnosisView } from '../node/api/node-api.ts'
import { probeTcp, type Answer } from '../net/discovery/tcp-probe.ts'
import { endpoint, isLoopbackHost } from './address.ts'
import type { Finding } from './finding.ts'
import {
  findingsOf,
  oursAmong,
  strangersAmong,
  type Facts,
  type OtherCluster,
  type Unlinked
} from './findings.ts'
import type { Heard } from './hearing.ts'
import { lookAround, type Network } from './network.ts'

export type Patient = Readonly<{
  cluster: string
  noKey: string | null
  /** Of the key, for a cluster of each of these names. */
  fingerprintsOf: (names: readonly string[]) => Promise<Readonly<Record<string, string>>>
  /** Asks the node; null if none runs. */
  diagnosis: (() => Promise<DiagnosisView>) | null
}>

export type Examination = Readonly<{
  findings: readonly Finding[]
  /** How many other nodes of the cluster were heard; null if nobody listened. */
  heard: number | null
  /** Clusters that are heard and have nothing to do with this one. */
  others: readonly OtherCluster[]
}>

/** The patient is a node that runs. @param ask for its diagnosis, with fingerprints for these names */
export async function patientOf(
  ask: (names: readonly string[]) => Promise<DiagnosisView>
): Promise<Patient> {
  const { cluster } = await ask([])
  return {
    cluster,
    noKey: null,
    fingerprintsOf: async names => (await ask(names)).fingerprints,
    diagnosis: () => ask([])
  }
}

/** What the node can tell by itself: at once, without a look at the network. */
export async function examineNode({ cluster, noKey, diagnosis }: Patient): Promise<Finding[]> {
  const node = diagnosis === null ? null : await diagnosis()
  return findingsOf({
    cluster,
    noKey,
    fingerprints: node?.fingerprints ?? {},
    node,
    network: null,
    unlinked: [],
    unanswered: (node?.unanswered ?? []).map(peer => ({ ...peer, answer: null })),
    linkedBefore: new Set()
  })
}

/** Time that two nodes that have just heard of each other take to connect: see net/protocol.ts, dialFallbackMs. */
const LINK_MS = 4000
const LOOK_MS = 500

export async function examine(patient: Patient): Promise<Examination> {
  const { cluster, noKey, fingerprintsOf, diagnosis } = patient
  let node = diagnosis === null ? null : await diagnosis()
  const linkedBefore = new Set(
    (node?.nodes ?? []).filter(({ connected }) => connected).map(({ id }) => id ?? '')
  )
  let network: Network | null = null
  if (node?.mdns !== null) {
    network = await lookAround(node?.mdns.interface ?? null)
  }
  // The look takes seconds, in which more has come to light.
  if (network !== null && diagnosis !== null) node = await diagnosis()
  const heard = network?.heard ?? []
  const fingerprints = await fingerprintsOf([cluster, ...heard.map(other => other.cluster)])
  const known = { cluster, noKey, fingerprints, network }
  const missing = (): Omit<Unlinked, 'answer'>[] =>
    unlinked(node, oursAmong({ ...known, node }, heard))
  if (diagnosis !== null) {
    for (let waitedMs = 0; waitedMs < LINK_MS && missing().length > 0; waitedMs += LOOK_MS) {
      await sleep(LOOK_MS)
      node = await diagnosis()
    }
  }
  const answers = await Promise.all(
    missing().map(async other => ({ ...other, answer: await answerOf(other.addresses) }))
  )
  const unanswered = await Promise.all(
    // A node of an older version does not say.
    (node?.unanswered ?? []).map(async peer => ({ ...peer, answer: await answerAt(peer.address) }))
  )
  const facts: Facts = {
    ...known,
    unanswered,
    node,
    linkedBefore,
    // Without a node that links, a port that answers is all that can be asked for.
    unlinked: answers.filter(({ answer }) => diagnosis !== null || answer !== 'answered')
  }
  const ours = oursAmong(facts, heard)
  return {
    findings: findingsOf(facts),
    heard: network === null ? null : ours.length,
    others: strangersAmong(facts, heard)
  }
}

/** Nodes that are heard, by mDNS or by way of others, and have no link to ours. */
function unlinked(node: DiagnosisView | null, heard: readonly Heard[]): Omit<Unlinked, 'answer'>[] {
  const views = new Map((node?.nodes ?? []).map(view => [view.id, view]))
  const found = new Map<string, Omit<Unlinked, 'answer'>>()
  for (const { id, announced } of heard) {
    const view = views.get(id)
    if (view?.connected === true) continue
    found.set(id, { id, name: view?.name ?? null, addresses: [...new Set(announced.flat())] })
  }
  for (const { id, name, status, connected, addresses } of node?.nodes ?? []) {
    if (id === null || connected || status !== 'alive' || found.has(id)) continue
    found.set(id, { id, name, addresses })
  }
  return [...found.values()]
}

async function answerAt(address: string): Promise<Answer | null> {
  const end = endpoint(address)
  return end === null ? null : probeTcp(end.host, end.port)
}

async function answerOf(addresses: readonly string[]): Promise<Answer> {
  const ends = addresses.map(endpoint).filter(end => end !== null && !isLoopbackHost(end.host))
  const answers = await Promise.all(ends.map(end => probeTcp(end!.host, end!.port)))
  if (answers.includes('answered')) return 'answered'
  return answers.length > 0 && !answers.includes('silent') ? 'refused' : 'silent'
}
