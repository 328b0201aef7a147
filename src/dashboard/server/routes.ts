/**
 * What the page may ask of the node: a list of all that passes. Whatever the node learns to answer later is not in it
 * before somebody has thought about it.
 */
import type { Elsewhere } from '../../api/instances/instances.ts'

/** What a request that passes does. */
export type Kind =
  /** Nothing: it reads. */
  | 'read'
  /** Changes tasks or nodes. */
  | 'change'
  /** May submit a copy of a task, which may be a command. */
  | 'retry'
  /** Cancels or retries many tasks. */
  | 'bulk'
  | 'submit'
  /** Stops the node that is asked. */
  | 'leave'

type Route = Readonly<{
  method: 'GET' | 'POST'
  path: RegExp
  /** Parameters that may be given. */
  query: readonly string[]
  kind: Kind
  elsewhere: Elsewhere
}>

/** A request to the node. */
export type Passed = Readonly<{
  kind: Kind
  path: string
  task: string | null
  /** When another node may be asked in place of the one that does not answer. */
  elsewhere: Elsewhere
}>

const TASK = '/v1/tasks/(?<task>[0-9a-f-]{1,36})'
const FILTER = ['state', 'type', 'tag', 'node', 'ref', 'q', 'since', 'until']

const ROUTES: readonly Route[] = [
  read('/v1/status'),
  read('/v1/nodes'),
  read('/v1/events', 'since', 'event', 'type', 'task', 'snapshot', 'rows'),
  read('/v1/tasks', ...FILTER, 'sort', 'cursor', 'limit', 'fields'),
  read('/v1/tasks/counts', ...FILTER),
  read('/v1/timeline', 'from', 'to', 'max'),
  read(TASK),
  read(`${TASK}/history`),
  read(`${TASK}/logs`, 'follow'),
  read(`${TASK}/why`),
  read(`${TASK}/graph`, 'depth', 'max'),
  read('/v1/blobs/[0-9a-f]{64}', 'bytes'),
  post(`${TASK}/cancel`, 'change'),
  post(`${TASK}/retry`, 'retry'),
  post('/v1/bulk', 'bulk'),
  post('/v1/tasks', 'submit'),
  post('/v1/drain', 'change', 'node'),
  // The one that the page shows is meant, and no other.
  { ...post('/v1/leave', 'leave'), elsewhere: 'never' },
  post('/v1/forget', 'change', 'node')
]

function read(path: string, ...query: string[]): Route {
  return { method: 'GET', path: new RegExp(`^${path}$`), query, kind: 'read', elsewhere: 'any' }
}

function post(path: string, kind: Kind, ...query: string[]): Route {
  return { method: 'POST', path: new RegExp(`^${path}$`), query, kind, elsewhere: 'refused' }
}

/**
 * The request to the node, written anew; null if it may not pass.
 *
 * @param target path and query, as `guard.ts` lets them through
 */
export function passedOf(method: string, target: string): Passed | null {
  const { pathname, searchParams } = new URL(target, 'http://localhost')
  for (const { method: only, path, query, kind, elsewhere } of ROUTES) {
    const match = only === method ? path.exec(pathname) : null
    if (match === null) continue
    const given = [...searchParams.keys()]
    const isKnown = given.every((name, at) => query.includes(name) && given.indexOf(name) === at)
    if (!isKnown) return null
    const search = searchParams.size === 0 ? '' : `?${searchParams.toString()}`
    return { kind, path: pathname + search, task: match.groups?.['task'] ?? null, elsewhere }
  }
  return null
}

/** Addresses of the page itself: all of them are the same file, which looks at the address by itself. */
const PAGES = [
  /^\/$/,
  /^\/tasks$/,
  /^\/tasks\/[0-9a-f-]{1,36}(\/graph)?$/,
  /^\/nodes$/,
  /^\/nodes\/[A-Za-z0-9_.-]{1,63}\/[A-Za-z0-9_.]{1,32}$/,
  /^\/events$/,
  /^\/doctor$/,
  /^\/submit$/
]

export function isPage(path: string): boolean {
  return PAGES.some(page => page.test(path))
}
