/**
 * Rendezvous weight (Thaler and Ravishankar, 1998): a fixed number for (key, candidate). The candidate with the
 * greatest is first in line for the key. All replicas agree without a word, and keys spread evenly over the candidates.
 */
import { hash32 } from './ids.ts'

export function rendezvousWeight(key: string, candidate: string): number {
  return hash32(`${key}|${candidate}`)
}
