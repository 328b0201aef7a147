/** How many other members have to have a task: what the submission says, else what the node was told. */
import { expect, test } from 'vitest'
import type { Input } from '../../../src/core/input.ts'
import type { Payloads } from '../../../src/node/tasks/payloads.ts'
import { Admission } from '../../../src/node/tasks/admission.ts'
import { Submissions } from '../../../src/node/tasks/submissions.ts'

test.each([
  [null, {}, null],
  [2, {}, 2],
  [2, { acks: 0 }, 0],
  [null, { acks: 3 }, 3]
])('a node told %j, a submission with %j: %j', async (nodeAcks, options, acks) => {
  const inputs: Input[] = []
  const submissions: Submissions = new Submissions({
    admission: new Admission({
      backlog: () => ({ unflushed: 0, awaited: 0, awaitedMs: 0 }),
      waitingTasks: () => 0,
      isFull: () => false
    }),
    payloads: { isFit: () => true } as unknown as Payloads,
    acks: nodeAcks,
    now: () => 0,
    cluster: 'test',
    assertAccepting: () => {},
    assertPayload: () => null,
    startsAt: () => null,
    warnings: () => [],
    feed(input) {
      inputs.push(input)
      if (input.kind !== 'submit') return
      const accepted = { taskId: 'id', acks: 9, short: false, deduplicated: 'no' } as const
      submissions.accepted(input.request, accepted)
    }
  })
  expect(await submissions.submit('type', null, options)).toMatchObject({ id: 'id', acks: 9 })
  expect(inputs).toMatchObject([{ kind: 'submit', acks }])
})
