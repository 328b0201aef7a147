/**
 * The doors of a node through which programs of the same computer come: the local API on its Unix socket, and the port
 * for metrics. Requests that are cut, repeated, slow, too long, of the wrong method, or half-way out of their protocol.
 */
import { connect, type NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../src/sim/world/random.ts'
import { mutatedBytes } from '../mutating.ts'

export type Place = Readonly<{
  /** The data folder of the node. */
  data: string
  metricsPort: number
}>

/** Time for which an answer is read. */
const READ_MS = 100
const PIECE_BYTES = 16
const PIECE_MS = 5
const PIECES_MAX = 30

/** Everything that the API knows but what ends or drains the node: it would do as it is told. */
const PATHS: readonly string[] = [
  'GET /v1/nodes',
  'GET /v1/status',
  'GET /v1/diagnosis?clusters=a,b',
  'GET /v1/metrics',
  'PUT /v1/labels',
  'POST /v1/forget?node=nobody/1',
  'GET /v1/events?since=0-0',
  'GET /v1/events?event=task&task=zzz',
  'PUT /v1/blobs',
  `GET /v1/blobs/${'0'.repeat(64)}?bytes=9000`,
  `GET /v1/blobs/${'0'.repeat(64)}?bytes=1e999`,
  'GET /v1/state',
  'POST /v1/state',
  'POST /v1/tasks',
  'POST /v1/batch',
  'GET /v1/tasks?state=queued&limit=1',
  'GET /v1/tasks?limit=99999999999999999999',
  'GET /v1/tasks/0',
  'GET /v1/tasks/%00/history',
  'GET /v1/tasks/%ff/logs?follow=true',
  'POST /v1/tasks/constructor/cancel',
  'POST /v1/tasks/__proto__/retry',
  'GET /v1/tasks/0/why',
  'GET /v1/tasks/0/wait?timeoutMs=1',
  'GET /metrics',
  'GET /healthz',
  'OPTIONS *',
  'BREW /v1/tasks'
]

/** Values at the ends of what JSON and options can be. */
const VALUES: readonly string[] = [
  ['null', '0', '-1', '1e308', '9e15', '8.64e15', '9007199254740991', '0.5', 'true', '""', '[]'],
  ['{}', '"__proto__"', '"\\ud800"', '"1s"', '"1e9d"', '{"__proto__":{"x":1}}', '["x","x"]'],
  ['[null]', '['.repeat(5000), `"${'x'.repeat(2000)}"`, `${'[1,'.repeat(100)}1${']'.repeat(100)}`]
].flat()
const OPTIONS: readonly string[] = [
  ['priority', 'dependsOn', 'onDependencyFailure', 'maxRetries', 'maxLost', 'backoff', 'timeout'],
  [
    'deadline',
    'delay',
    'runAt',
    'labels',
    'idempotencyKey',
    'delivery',
    'tags',
    'retention',
    'acks'
  ]
].flat()

export const HTTP_DOORS: Readonly<Record<string, (place: Place, random: Random) => Promise<void>>> =
  {
    api: ({ data }, random) => talk({ path: join(data, 'api.sock') }, request(random), random),
    metrics: ({ metricsPort }, random) =>
      talk({ host: '127.0.0.1', port: metricsPort }, request(random), random)
  }

function request(random: Random): Uint8Array {
  const body = bodyOf(random)
  const line = random.pick(PATHS)
  const headers = ['host: x', ...headersOf(random)]
  if (random.chance(0.3)) headers.push('transfer-encoding: chunked')
  else
    headers.push(
      `content-length: ${random.chance(0.9) ? Buffer.byteLength(body) : random.pick(['-1', '0', '1e9', '99999999'])}`
    )
  const head = [`${line} HTTP/1.1`, ...headers, '', ''].join('\r\n')
  const isChunked = headers.includes('transfer-encoding: chunked')
  const size = Buffer.byteLength(body).toString(16)
  const bytes = Buffer.from(head + (isChunked ? `${size}\r\n${body}\r\n0\r\n\r\n` : body))
  return random.chance(0.3) ? mutatedBytes(bytes, [], random) : bytes
}

function headersOf(random: Random): string[] {
  const dice = random.next()
  if (dice < 0.05) return [`x-long: ${'y'.repeat(random.pick([100, 20_000, 200_000]))}`]
  if (dice < 0.1) return Array.from({ length: 3000 }, (_, n) => `x-${n}: 1`)
  if (dice < 0.2) return ['content-type: application/json', 'expect: 100-continue']
  return dice < 0.25 ? ['connection: upgrade', 'upgrade: websocket'] : []
}

function bodyOf(random: Random): string {
  const dice = random.next()
  if (dice < 0.2) return random.pick(VALUES)
  if (dice < 0.7) return task(random)
  const lines = Array.from({ length: random.whole(1, 20) }, (_, line) =>
    random.chance(0.8) ? task(random, line) : random.pick(VALUES)
  )
  return lines.join(random.pick(['\n', '\n', '\r\n', '\u2028']))
}

/** Tasks that nobody has a handler for: what is taken stays where it is. */
function task(random: Random, line?: number): string {
  const options = Array.from(
    { length: random.whole(0, 3) },
    () => `"${random.pick(OPTIONS)}":${random.pick(VALUES)}`
  )
  const type = random.chance(0.8) ? '"nobody"' : random.pick(VALUES)
  const beside =
    line === undefined ? '' : `"line":${random.chance(0.9) ? line : random.pick(VALUES)},`
  return `{${beside}"type":${type},"payload":${random.pick(VALUES)},"options":{${options.join()}}}`
}

/** At once or slowly, to the end or not; and reads what comes, or does not. */
async function talk(where: NetConnectOpts, bytes: Uint8Array, random: Random): Promise<void> {
  const socket = connect(where)
  socket.on('error', () => undefined)
  if (random.chance(0.8)) socket.resume()
  try {
    if (random.chance(0.15)) {
      for (
        let at = 0, left = PIECES_MAX;
        at < bytes.length && left > 0;
        at += PIECE_BYTES, left--
      ) {
        socket.write(bytes.subarray(at, at + PIECE_BYTES))
        await sleep(PIECE_MS)
      }
    } else {
      socket.write(random.chance(0.85) ? bytes : bytes.subarray(0, random.whole(0, bytes.length)))
    }
    if (random.chance(0.2)) socket.end()
    await sleep(random.whole(0, READ_MS))
  } finally {
    socket.destroy()
  }
}
