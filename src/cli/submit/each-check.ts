/**
 * Looks at all lines of a file of tasks before the first one is submitted: half a file of tasks is worse than none.
 *
 * Of each line only its ref and what it refers to are kept, so that the file may be much larger than the memory.
 */
import { InvalidOptionError } from '../../shared/errors.ts'
import { readEachLine, type Defaults } from './each-line.ts'
import type { LineFile } from './lines.ts'

/** More errors of one cause tell nothing new. */
const ERRORS_SAID_MAX = 20

/** What may be a part of the id of a task. */
const PART_OF_ID = /^[0-9a-f-]{1,36}$/

type Referring = Readonly<{ line: number; needs: readonly string[]; parts: readonly string[] }>

/**
 * Resolves to the number of tasks, and of those that have a ref.
 *
 * @param say is told what is wrong, a sentence for each line
 * @param looked is called after each line
 * @throws InvalidOptionError if anything is
 */
export async function checkEach(
  file: LineFile,
  defaults: Defaults,
  say: (text: string) => void,
  looked: (count: number) => void
): Promise<{ count: number; refs: number }> {
  const refs = new Map<string, Referring>()
  const referring: Referring[] = []
  let count = 0
  let wrong = 0
  const complain = (line: number, text: string): void => {
    if (++wrong <= ERRORS_SAID_MAX) say(`line ${line} ${text}`)
  }
  for await (const { number, text, fault } of file.lines()) {
    looked(++count)
    try {
      if (text === null) throw new InvalidOptionError(fault)
      const { ref, needs, parts } = readEachLine(text, number, defaults)
      const entry = { line: number, needs, parts }
      const earlier = ref === null ? undefined : refs.get(ref)
      if (earlier) throw new InvalidOptionError(`has the ref "${ref}" of line ${earlier.line}`)
      if (ref !== null) refs.set(ref, entry)
      if (needs.length + parts.length > 0) referring.push(entry)
    } catch (error) {
      complain(number, sentence(error as Error))
    }
  }
  for (const each of referring) {
    const mistake = mistakeIn(each, refs)
    if (mistake !== null) complain(each.line, mistake)
  }
  const cycle = findCycle(refs)
  if (cycle !== null)
    complain(refs.get(cycle[0]!)!.line, `depends on itself: ${cycle.join(' -> ')}`)
  if (wrong === 0) return { count, refs: refs.size }
  if (wrong > ERRORS_SAID_MAX) say(`and ${wrong - ERRORS_SAID_MAX} more`)
  throw new InvalidOptionError(`nothing was submitted: ${wrong} of ${count} lines are wrong`)
}

/** What is wrong with what a line depends on, if anything is. */
function mistakeIn(
  { needs, parts }: Referring,
  refs: ReadonlyMap<string, Referring>
): string | null {
  const unknown = needs.find(need => !refs.has(need))
  if (unknown !== undefined) return `depends on ref:${unknown}, which no line has`
  const unmarked = parts.find(part => refs.has(part))
  if (unmarked !== undefined) {
    const { line } = refs.get(unmarked)!
    return `depends on ${JSON.stringify(unmarked)}, the ref of line ${line}: write ${JSON.stringify(`ref:${unmarked}`)}`
  }
  const strange = parts.find(part => !PART_OF_ID.test(part))
  if (strange === undefined) return null
  return `depends on ${JSON.stringify(strange)}, which is no id of a task, and no line has that ref`
}

/** Errors of a line's own begin with a verb; those of the node's checks stand for themselves. */
function sentence({ message }: Error): string {
  return /^(is|has) /.test(message) ? message : `is refused: ${message}`
}

/** Refs that lead back to the first of them; null if there are none. */
function findCycle(refs: ReadonlyMap<string, Referring>): string[] | null {
  const done = new Set<string>()
  for (const start of refs.keys()) {
    const path: string[] = []
    const onPath = new Set<string>()
    const open: { ref: string; next: number }[] = [{ ref: start, next: 0 }]
    while (open.length > 0) {
      const top = open.at(-1)!
      if (top.next === 0 && !done.has(top.ref)) {
        path.push(top.ref)
        onPath.add(top.ref)
      }
      const need = done.has(top.ref) ? undefined : refs.get(top.ref)?.needs[top.next++]
      if (need === undefined) {
        if (onPath.delete(top.ref)) path.pop()
        done.add(top.ref)
        open.pop()
      } else if (onPath.has(need)) {
        return [...path.slice(path.indexOf(need)), need]
      } else {
        open.push({ ref: need, next: 0 })
      }
    }
  }
  return null
}
