/** Ids of keyed tasks without cryptography: a simulation has few keys, and nobody who would forge one. */
import { hash32, keyedTaskId, type TaskId } from '../../core/base/ids.ts'

export function simulatedKeyedId(key: string): TaskId {
  const parts = ['a', 'b', 'c'].map(part => hash32(`${part} ${key}`).toString(16).padStart(8, '0'))
  return keyedTaskId(parts.join(''))
}
