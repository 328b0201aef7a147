/** What goes to disk along with the log, in the same flush. */
import type { Flush } from '../effect.ts'

type Given = Pick<Flush, 'members' | 'roster' | 'spent' | 'dropped' | 'floor'>

export type Beside = { readonly [K in keyof Given]?: Given[K] | undefined }

export const NOTHING_BESIDE: Given = { members: [], roster: [], spent: new Map() }

/** Null if there is nothing to be written. */
export function besideLog({
  members = [],
  roster = [],
  spent,
  dropped,
  floor
}: Beside): Given | null {
  const goes = (dropped?.members.length ?? 0) + (dropped?.roster.length ?? 0)
  const count = members.length + roster.length + (spent?.size ?? 0) + goes
  if (count === 0 && floor === undefined) return null
  return {
    members,
    roster,
    spent: spent ?? new Map(),
    ...(goes === 0 ? {} : { dropped: dropped! }),
    ...(floor === undefined ? {} : { floor })
  }
}
