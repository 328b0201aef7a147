/** `hearsay doctor`: what keeps nodes apart, and what to do about it. */
import type { Command } from '@commander-js/extra-typings'
import { NoNodeError } from '../../shared/errors.ts'
import type { Client } from '../../api/client.ts'
import type { Examination, Patient } from '../../doctor/examine.ts'
import { printable } from '../../shared/printable.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient } from '../verb.ts'

type Flags = { data?: string; node?: string; cluster?: string; keyFile?: string; json?: true }

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'doctor',
    summary: 'find out why nodes do not find each other or do not agree, and say what helps',
    examples: [
      'hearsay doctor',
      'hearsay doctor --cluster six-nodes --json | jq -r .findings[].cure'
    ]
  })
    .option(
      '--key-file <file>',
      'a file with the key, if no node runs here (default: as for start)'
    )
    .action(options => doctor(options, terminal))
}

async function doctor(options: Flags, terminal: Terminal): Promise<void> {
  const { examine, patientOf } = await import('../../doctor/examine.ts')
  const client = await nodeHere(options, terminal)
  const patient =
    client === null ? await withoutNode(options) : await patientOf(names => client.diagnosis(names))
  const name = client === null ? null : (await client.status()).node
  if (options.json !== true) {
    const whom = name ?? 'no node runs on this computer: the network as a new one would see it'
    terminal.words(`looking at the cluster "${patient.cluster}" (${whom})`)
  }
  const { findings, heard, others } = await examine(patient)
  terminal.exitCode = findings.length === 0 ? 0 : 1
  const { cluster } = patient
  if (options.json) return terminal.json({ v: 1, cluster, node: name, heard, others, findings })
  for (const { code, severity, what, cure } of findings) {
    const word = terminal.coloured(severity === 'error' ? 'red' : 'yellow', severity)
    await terminal.line(`${word} ${code}: ${printable(what)}`)
    await terminal.line(`  cure: ${printable(cure)}`)
  }
  if (heard !== null)
    terminal.words(`${heard} other ${heard === 1 ? 'node' : 'nodes'} of it heard by mDNS`)
  if (others.length > 0) terminal.words(othersText(patient, others))
  if (findings.length === 0) terminal.words('nothing is wrong, as far as can be seen from here')
}

/** Whoever has forgotten a flag or a key is in a cluster of its own, where all is well. */
function othersText({ cluster }: Patient, others: Examination['others']): string {
  const heard = others.map(other => `"${other.cluster}" (${other.nodes})`)
  return (
    `nodes of other clusters are heard, too: ${heard.join(', ')}; if they belong to "${cluster}" or it to them, ` +
    'start all with the same --cluster and the same key'
  )
}

/** Null if none runs, and none was asked for. */
async function nodeHere(options: Flags, terminal: Terminal): Promise<Client | null> {
  try {
    return await openClient(options, terminal)
  } catch (error) {
    const { data, node } = options
    if (error instanceof NoNodeError && !data && !node) return null
    throw error
  }
}

async function withoutNode({ cluster = 'default', keyFile }: Flags): Promise<Patient> {
  const { deriveKeys, findKey } = await import('../../key.ts')
  const found = await findKey({ cluster, keyFile: keyFile ?? null }).catch((error: Error) => error)
  if (found instanceof Error) {
    const fingerprintsOf = (): Promise<Record<string, string>> => Promise.resolve({})
    return { cluster, noKey: found.message, fingerprintsOf, diagnosis: null }
  }
  const fingerprintOf = (name: string): string => deriveKeys(found.key, name).fingerprint
  return {
    cluster,
    noKey: null,
    fingerprintsOf: names =>
      Promise.resolve(Object.fromEntries(names.map(name => [name, fingerprintOf(name)]))),
    diagnosis: null
  }
}
