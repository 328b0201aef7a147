/**
 * Programs with a network of their own that has nothing but loopback, multicast on it included: what they announce
 * reaches nobody, and nobody disturbs them.
 */
import { spawnSync } from 'node:child_process'

const PREPARE =
  'ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo && exec "$0" "$@"'

/** Whether we have the right to make such a network. */
export function canBeAlone(): boolean {
  return spawnSync('unshare', ['--net', 'true']).status === 0
}

/** The arguments of `unshare` for a command line. */
export function alone(...command: readonly string[]): string[] {
  return ['--net', 'sh', '-c', PREPARE, ...command]
}
