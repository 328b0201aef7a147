/**
 * The checks can fail, where tasks are given to others as soon as they are ready. As in mutations.test.ts each test plants
 * one mistake, and expects the invariant that it breaks.
 */
import { afterEach, expect, test } from 'vitest'
import type { BootId } from '../../src/core/base/ids.ts'
import type { Entry } from '../../src/core/log/entry.ts'
import type { Member } from '../../src/core/membership/member.ts'
import type { Release } from '../../src/core/pending.ts'
import type * as PlacedAcksRoom from '../../src/core/replication/placed-acks.ts'
import type * as PlacementRoom from '../../src/core/steal/placement.ts'
import { isSettled } from '../../src/core/task/record.ts'
import { brokenBy, plant, uproot } from './planting.ts'

const rooms = {
  placement: '../../src/core/steal/placement.ts',
  placedAcks: '../../src/core/replication/placed-acks.ts'
}

afterEach(uproot)

test('what a node was given is taken back from it although it has said that it has it', async () => {
  plant<typeof PlacementRoom>(rooms.placement, ({ Placement }) => ({
    Placement: class extends Placement {
      readonly #all: Readonly<{ entry: Entry; boot: BootId }>[] = []
      override placed(entry: Entry, member: Member): void {
        super.placed(entry, member)
        this.#all.push({ entry, boot: member.heartbeat.boot })
      }
      override unacknowledged(isOutOfReach: (boot: BootId) => boolean): Entry[] {
        const held = this.#all.filter(({ entry: { record, removed }, boot }) => {
          return !removed && !isSettled(record) && record.claim.holder === boot
        })
        return held.flatMap(({ entry, boot }) => (isOutOfReach(boot) ? [entry] : []))
      }
    }
  }))
  const cut = { partitions: 2, healMsMax: 2500, unreachableMs: 600, busyMs: 6000, crashes: 0 }
  const work = { types: ['red'], runMsMax: 1500, tasks: 60, dependent: 0 }
  expect(await brokenBy({ ...cut, ...work, nodes: 8, late: 0, leaving: 0 }, 20)).toMatch(
    /^invariant 6:/
  )
})

test('the copy of the node that was given a task counts before its disk has it', async () => {
  plant<typeof PlacedAcksRoom>(rooms.placedAcks, ({ PlacedAcks }) => ({
    PlacedAcks: class extends PlacedAcks {
      override releaseDue(
        now: number,
        origin: BootId,
        view: PlacedAcksRoom.PlacedView,
        release: Release
      ): boolean {
        const there = { ...view, disks: () => ({ copies: 1, isApart: true }) }
        return super.releaseDue(now, origin, there, release)
      }
    }
  }))
  expect(await brokenBy({ types: ['red'], diskMsMax: 100 }, 20)).toMatch(
    /^invariant 19:.* other disks, not on/
  )
})
