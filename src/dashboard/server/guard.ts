/**
 * Which requests are looked at at all. A browser runs the pages of anybody, and all of them may send requests to
 * 127.0.0.1: so each has to say that it comes from our own page, in headers that no foreign page can write.
 *
 * The name in `Host` has to be one that is allowed, also to read: a foreign page whose name was made to mean 127.0.0.1
 * (DNS rebinding) sends its own name there. The port may be another one, as behind a tunnel; `Origin` has to be of the
 * same name and port as `Host`. What changes something has to have such an `Origin`, or `Sec-Fetch-Site: same-origin`,
 * and a body of JSON, which a form cannot send. Whatever may be read in two ways (a header twice, a body without a
 * length, a path with escapes) is refused, since whoever stands between may read it in the other way.
 */
import type { IncomingHttpHeaders } from 'node:http'

/** Requests of the page are small; what is large goes the other way. */
export const BODY_BYTES_MAX = 1_048_576
const TARGET_LENGTH_MAX = 4096
/** Headers that may be there once. Node would take the first one of two, another program the last one. */
const ONCE = new Set([
  'authorization',
  'content-length',
  'content-type',
  'host',
  'origin',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site'
])
const METHODS = ['GET', 'HEAD', 'POST']

/** The part of a request that is looked at. */
export type Asked = Readonly<{
  method: string
  /** As it stands in the request. */
  target: string
  headers: IncomingHttpHeaders
  /** Names and values in turn. */
  rawHeaders: readonly string[]
}>

/** Why a request is not answered. */
export type Refusal = Readonly<{ status: number; name: string; message: string }>

/** @param hosts names that the dashboard goes by, in lower case, without ports */
export function refusalOf(asked: Asked, hosts: ReadonlySet<string>): Refusal | null {
  return (
    shapeRefusal(asked) ??
    hostRefusal(asked.headers, hosts) ??
    originRefusal(asked.headers) ??
    siteRefusal(asked) ??
    (asked.method === 'POST' ? changeRefusal(asked.headers) : null)
  )
}

function shapeRefusal({ method, target, headers, rawHeaders }: Asked): Refusal | null {
  if (!METHODS.includes(method)) {
    return refuse(405, 'MethodRefused', `${method} is nothing that the dashboard answers`)
  }
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map(name => name.toLowerCase())
  const twice = names.find((name, index) => ONCE.has(name) && names.indexOf(name) < index)
  if (twice !== undefined)
    return refuse(400, 'RequestRefused', `the header ${twice} is there twice`)
  if (headers['transfer-encoding'] !== undefined || headers.upgrade !== undefined) {
    return refuse(400, 'RequestRefused', 'a body has to come whole, with its length')
  }
  const length = headers['content-length']
  if (method !== 'POST' && length !== undefined && length !== '0') {
    return refuse(400, 'RequestRefused', `${method} has no body`)
  }
  const isPlain = target.length <= TARGET_LENGTH_MAX && /^\/[\x21-\x7e]*$/.test(target)
  const [path = ''] = target.split('?')
  if (!isPlain || /%|\\|;|#|\/\/|\/\.\.?(\/|$)/.test(path)) {
    return refuse(400, 'RequestRefused', 'that is no path of the dashboard')
  }
  return null
}

function hostRefusal({ host }: IncomingHttpHeaders, hosts: ReadonlySet<string>): Refusal | null {
  const [, name] = /^(\[[0-9a-f:]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host ?? '') ?? []
  if (name !== undefined && hosts.has(name.toLowerCase())) return null
  return refuse(
    403,
    'HostRefused',
    `the dashboard does not go by the name ${JSON.stringify(host ?? '')}: start it with --allow-host NAME if it is yours`
  )
}

function originRefusal({ origin, host }: IncomingHttpHeaders): Refusal | null {
  if (origin === undefined || [`http://${host}`, `https://${host}`].includes(origin)) return null
  return refuse(403, 'OriginRefused', `pages of ${origin} may ask nothing here`)
}

function siteRefusal({ method, headers }: Asked): Refusal | null {
  const site = headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return null
  // A link elsewhere, such as the one in the file that opens the browser, leads to a page without any data.
  const isVisit =
    headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  if (isVisit && method === 'GET') return null
  return refuse(403, 'OriginRefused', 'other pages may ask nothing here')
}

function changeRefusal(headers: IncomingHttpHeaders): Refusal | null {
  if (headers.origin === undefined && headers['sec-fetch-site'] !== 'same-origin') {
    return refuse(403, 'OriginRefused', 'the request does not say which page it comes from')
  }
  if (!/^application\/json(;\s*charset=utf-8)?$/i.test(headers['content-type'] ?? '')) {
    return refuse(415, 'RequestRefused', 'the body has to be application/json')
  }
  if (!/^\d{1,15}$/.test(headers['content-length'] ?? '')) {
    return refuse(411, 'RequestRefused', 'a body has to come whole, with its length')
  }
  if (Number(headers['content-length']) > BODY_BYTES_MAX) {
    return refuse(413, 'TooLargeError', `a request may have at most ${BODY_BYTES_MAX} bytes`)
  }
  return null
}

function refuse(status: number, name: string, message: string): Refusal {
  return { status, name, message }
}
