/** What is wrong with members, as a node knows them: other versions, wrong clocks, identities in use twice. */
import type { DiagnosisView } from '../node/api/node-api.ts'
import { cloned, type Finding } from './finding.ts'

/** Guess: far above NTP's errors on a LAN, and what people notice when they compare times. */
const SKEW_MS_MAX = 5000
const GONE = new Set<string | null>(['left', 'crashed', null])

export function checkMembers(node: DiagnosisView): Finding[] {
  return [
    ...versions(node),
    ...clocks(node),
    ...clockSet(node),
    ...settledMaxima(node),
    ...overfull(node),
    ...copies(node),
    ...pauses(node)
  ]
}

function versions({ node, nodes, version }: DiagnosisView): Finding[] {
  const others = nodes.filter(({ status, self, version: theirs }) => {
    // The empty version: a member of which no more is known than its name.
    return !self && !GONE.has(status) && theirs !== null && theirs !== '' && theirs !== version
  })
  return others.map(other => ({
    code: 'version-mismatch',
    severity: 'warning',
    what: `${other.name} runs hearsay ${other.version}, ${node} runs ${version}`,
    cure: 'both work together, as the older one does: to have what is new, install the same version on all computers, and start the nodes again, one after the other'
  }))
}

/** The clock in the middle counts as right; with two there is none. */
function clocks({ node, nodes }: DiagnosisView): Finding[] {
  const known = nodes.filter(
    ({ status, clockOffsetMs }) => !GONE.has(status) && clockOffsetMs !== null
  )
  const sorted = known.map(({ clockOffsetMs }) => clockOffsetMs!).toSorted((x, y) => x - y)
  const cure =
    'have the computers set their clocks by the network ("timedatectl set-ntp true" on Linux, "Set time automatically" elsewhere)'
  const found = (what: string): Finding => ({ code: 'clock-skew', severity: 'warning', what, cure })
  const off = (ms: number): string =>
    `${(Math.abs(ms) / 1000).toFixed(1)} s ${ms > 0 ? 'ahead of' : 'behind'}`
  if (known.length === 2) {
    const other = known.find(({ self }) => !self)
    const offset = other?.clockOffsetMs ?? 0
    if (other === undefined || Math.abs(offset) <= SKEW_MS_MAX) return []
    return [
      found(`the clock of ${other.name} is ${off(offset)} that of ${node}: either may be wrong`)
    ]
  }
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0
  return known
    .map(({ name, clockOffsetMs }) => ({ name, offset: clockOffsetMs! - middle }))
    .filter(({ offset }) => Math.abs(offset) > SKEW_MS_MAX)
    .map(({ name, offset }) => found(`the clock of ${name} is ${off(offset)} those of the others`))
}

/** Some node says less than others, which goes for them, too. */
function settledMaxima({ nodes }: DiagnosisView): Finding[] {
  const said = nodes.flatMap(({ name, status, settledMax }) =>
    // A node of an older version does not say.
    GONE.has(status) || typeof settledMax !== 'number' ? [] : [{ name, settledMax }]
  )
  const least = Math.min(...said.map(({ settledMax }) => settledMax))
  const named = (of: typeof said): string => of.map(({ name }) => name).join(' and ')
  const [few, more] = [true, false].map(isLeast =>
    said.filter(({ settledMax }) => (settledMax === least) === isLeast)
  ) as [typeof said, typeof said]
  if (more.length === 0) return []
  return [
    {
      code: 'settled-max-mismatch',
      severity: 'warning',
      what: `no more than ${least} settled tasks are kept anywhere, as ${named(few)} says; ${named(more)} would keep more`,
      cure: 'the least that a member says counts for all: start all nodes with the same --settled-max'
    }
  ]
}

/** A node of an older version does not say, and goes by its clock as it was at its start. */
function clockSet({
  node,
  clockSet: step = null
}: Pick<DiagnosisView, 'node'> & Partial<Pick<DiagnosisView, 'clockSet'>>): Finding[] {
  if (step === null || Math.abs(step.byMs) <= SKEW_MS_MAX) return []
  const seconds = (Math.abs(step.byMs) / 1000).toFixed(1)
  return [
    {
      code: 'clock-skew',
      severity: 'warning',
      what: `the clock of the computer of ${node} was set ${seconds} s ${step.byMs > 0 ? 'forward' : 'back'} at ${step.at}, while the node ran`,
      cure: 'nothing, if it is right now: tasks go by the new time. What was submitted before has its deadline, and its time to start, by the old one'
    }
  ]
}

const HOLDS_UP = {
  away: 'cannot be reached',
  floor: 'does not say how far it would forget',
  records: 'does not have all records that it should'
}

/** Members that all others wait for before anything is pruned. */
function overfull({ node, overfull: found }: DiagnosisView): Finding[] {
  // A node of an older version does not say.
  if (!found) return []
  const { kept, max, behind } = found
  const away = behind.filter(({ why }) => why === 'away').map(other => other.node)
  const there = behind.filter(({ why }) => why !== 'away').map(other => other.node)
  const cures = [
    ...away.map(name => `start ${name} again; if it will not come back: "hearsay forget ${name}"`),
    ...there.map(name => `if it stays so for a minute, start ${name} again, with enough disk`)
  ]
  const whys = behind.map(({ node: name, why }) => `${name} ${HOLDS_UP[why]}`)
  return [
    {
      code: 'overfull',
      severity: 'warning',
      what: `${node} keeps ${kept} settled tasks that could go, of which ${max} are to be kept: ${whys.join(', ')}`,
      cure: cures.join('; ')
    }
  ]
}

/** What a node says of its own disk is told in more words (findings.ts). */
function pauses({ nodes }: DiagnosisView): Finding[] {
  return nodes.flatMap(({ name, self, status, paused }): Finding[] => {
    if (GONE.has(status)) return []
    if (paused === 'disk' && !self) {
      return [
        {
          code: 'disk-full',
          severity: 'error',
          what: `${name} accepts and begins nothing: its disk cannot be written to`,
          cure: 'make room on its disk; it is tried again every second'
        }
      ]
    }
    if (paused !== 'alone') return []
    return [
      {
        code: 'isolated',
        severity: 'error',
        what: `${name} has ended what it ran: it sees too few of the others (--stop-after-isolated)`,
        cure: 'look at its network and at that of the others; it goes on two seconds after it sees enough of them. Those that are gone for good: "hearsay forget NODE"'
      }
    ]
  })
}

function copies({ duplicates }: DiagnosisView): Finding[] {
  return duplicates.map(({ node, at }) => cloned(node, `seen at ${at}`))
}
