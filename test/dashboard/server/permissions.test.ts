/** What a page may change, and what of a request for many tasks reaches the node. */
import { expect, test } from 'vitest'
import { permitted, type Permissions } from '../../../src/dashboard/server/permissions.ts'
import type { Kind } from '../../../src/dashboard/server/routes.ts'

const PLAIN: Permissions = { readOnly: false, allowSubmit: false }
const nothing = (): Promise<never> => Promise.reject(new Error('nothing is asked of the node'))
const client = { get: nothing, status: nothing }

function asked(kind: Kind, body: string, permissions: Permissions): Promise<string> {
  const passed = { kind, path: '/v1/bulk', task: null, elsewhere: 'refused' } as const
  return permitted(passed, body, permissions, client)
}

test.each([
  ['{"action":"retry","filter":{}}', false],
  ['{"action":"retry","filter":{},"allowCommands":true}', false],
  ['{"allowCommands":true,"action":"retry","allowCommands":true}', false],
  ['{"action":"retry","filter":{},"allowCommands":false}', true]
])(
  'commands among many are retried by the word of the user alone: %s',
  async (body, allowSubmit) => {
    const passed = JSON.parse(await asked('bulk', body, { ...PLAIN, allowSubmit })) as object
    expect(passed).toMatchObject({ action: 'retry', allowCommands: allowSubmit })
  }
)

test.each(['', '{', '[]', 'null', '"x"', '1'])('"%s" is no request for many tasks', async body => {
  await expect(asked('bulk', body, PLAIN)).rejects.toMatchObject({ name: 'InvalidOptionError' })
})

test.each(['change', 'retry', 'bulk', 'submit'] as const)(
  '%s is nothing for a reader',
  async kind => {
    await expect(asked(kind, '{}', { ...PLAIN, readOnly: true })).rejects.toMatchObject({
      name: 'NotPermittedError'
    })
  }
)
