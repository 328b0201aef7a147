/** The same for several tasks: what fails for one is told of that one, and the others go on. */
import { z } from 'zod'
import { wordsOf } from '../words.ts'

const IDS_MAX = 100

export const ids: z.ZodArray<z.ZodString> = z
  .array(z.string())
  .min(1)
  .max(IDS_MAX)
  .describe('ids, or unambiguous parts of them')

type Told<T> = { id: string; done: T | null; problem: string | null }

/** In turn: a node is asked one thing after the other. */
export async function each<T>(
  all: readonly string[],
  action: (id: string) => Promise<T>
): Promise<Told<T>[]> {
  const told: Told<T>[] = []
  for (const id of new Set(all)) {
    try {
      told.push({ id, done: await action(id), problem: null })
    } catch (error) {
      told.push({ id, done: null, problem: wordsOf(error) })
    }
  }
  return told
}
