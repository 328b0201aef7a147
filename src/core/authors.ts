/**
 * Boots that have written what is in the log, and whose node has never introduced itself here.
 *
 * A newcomer that meets one side of a cut cluster would take that side for everybody: what it was told names the others as
 * authors only. So they are asked for, and until they are known this node cannot say what everybody knows.
 */
import type { BootId } from './base/ids.ts'
import type { Context } from './context.ts'

/** Of one that left before it had introduced itself others tell, too. */
export function strangeAuthors({ log, members }: Context): BootId[] {
  return log.origins
    .open()
    .map(({ boot }) => boot)
    .filter(boot => !members.hasHeardOf(boot))
}
