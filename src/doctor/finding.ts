/** A fault that was found, as people and programs are told of it. */
export const CODES = [
  'no-key',
  'no-multicast',
  'wrong-interface',
  'one-way-link',
  'key-mismatch',
  'name-mismatch',
  'version-mismatch',
  'cloned-identity',
  'clock-skew',
  'settled-max-mismatch',
  'disk-full',
  'isolated',
  'unreadable-records',
  'start-unconfirmed',
  'overfull',
  'peer-unanswered',
  'missing-node',
  'nobody-heard'
] as const
export const SEVERITIES = ['error', 'warning'] as const

export type Finding = Readonly<{
  code: (typeof CODES)[number]
  /** `error`: something does not work; `warning`: it will not, or only by luck. */
  severity: (typeof SEVERITIES)[number]
  what: string
  cure: string
}>

export function cloned(name: string, seen: string): Finding {
  return {
    code: 'cloned-identity',
    severity: 'error',
    what: `two processes use the identity of ${name} (${seen}): its data folder was copied`,
    cure: `stop the copy, and start it again with an empty data folder (--data) and an --instance of its own: the identity is in the folder, and a new folder gets a new one`
  }
}
