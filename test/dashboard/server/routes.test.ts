/** What passes to the node: a list, and nothing beside it. */
import { expect, test } from 'vitest'
import { isPage, passedOf } from '../../../src/dashboard/server/routes.ts'

test.each([
  ['GET', '/v1/tasks?state=failed&limit=5', 'read'],
  ['GET', '/v1/tasks/00017cdaf76b/why', 'read'],
  ['GET', '/v1/events?snapshot=true&since=a%3A1', 'read'],
  ['POST', '/v1/tasks/00017cdaf76b/cancel', 'change'],
  ['POST', '/v1/tasks/00017cdaf76b/retry', 'retry'],
  ['POST', '/v1/bulk', 'bulk'],
  ['POST', '/v1/tasks', 'submit'],
  ['POST', '/v1/drain?node=a%2F1', 'change']
])('%s %s passes', (method, target, kind) => {
  expect(passedOf(method, target)).toMatchObject({ kind, path: target })
})

test.each([
  ['GET', '/v1/state'],
  ['POST', '/v1/state'],
  ['POST', '/v1/batch'],
  ['POST', '/v1/waits'],
  ['POST', '/v1/workers'],
  ['POST', '/v1/claims'],
  ['POST', '/v1/leases/x/complete'],
  ['GET', '/v1/diagnosis'],
  ['GET', '/v1/metrics'],
  ['PUT', '/v1/labels'],
  ['GET', '/v1/tasks/00017cdaf76b/cancel'],
  ['POST', '/v1/tasks/00017cdaf76b'],
  ['GET', '/v1/tasks/../leave'],
  ['GET', '/v1/tasks/xyz'],
  ['GET', '/v1/tasks/'],
  ['GET', '/v1/tasks?state=failed&state=queued'],
  ['GET', '/v1/tasks?evil=1'],
  ['GET', '/v1/nodes?x'],
  ['HEAD', '/v1/nodes'],
  ['GET', '/v2/nodes']
])('%s %s does not', (method, target) => {
  expect(passedOf(method, target)).toBeNull()
})

test('addresses of the page are known, and no others', () => {
  const pages = [
    '/',
    '/tasks',
    '/tasks/00017cdaf76b',
    '/tasks/00017cdaf76b/graph',
    '/nodes/a-b.c/1'
  ]
  for (const path of pages) expect(isPage(path)).toBe(true)
  for (const path of ['/index', '/tasks/', '/tasks/x y', '/nodes/a', '/v1/nodes', '/doctor/']) {
    expect(isPage(path)).toBe(false)
  }
})
