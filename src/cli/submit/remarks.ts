/** What there is to say, in words, of a task that was accepted. */
import type { Submitted } from '../../node/api/node-api.ts'
import type { Terminal } from '../terminal.ts'

export function sayRemarks(
  { id, warnings, runAt }: Pick<Submitted, 'id' | 'warnings' | 'runAt'>,
  terminal: Terminal
): void {
  for (const warning of warnings) terminal.words(warning)
  if (runAt !== undefined) terminal.words(`${id} is not started before ${runAt}`)
}
