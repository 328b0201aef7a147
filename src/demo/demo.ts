/**
 * The demo from beginning to end: start nodes, give all the work to one of them, watch the others take their share,
 * put the picture together, tell what it took, and leave nothing behind but the picture.
 *
 * Everything goes through the doors that a user has: nodes are `hearsay start` processes, tasks go in and results come
 * out through the local API of one node.
 */
import { access, constants, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BatchAnswer, BatchLine } from '../api/batch.ts'
import { Client } from '../api/client.ts'
import { errorOf } from '../api/problem.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import type { TaskView } from '../node/api/node-api.ts'
import { TILE_COUNT, tilePlaces } from './mandelbrot.ts'
import { DemoNodes } from './nodes.ts'
import { summarise, type DemoSummary } from './summary.ts'
import type { JoinPayload, TileResult } from './tasks.ts'
import type { NodeProgress, View } from './view.ts'

export type DemoOptions = {
  /** How many nodes, 2 to 12. */
  nodes: number
  /** Use real mDNS on all interfaces, instead of staying on 127.0.0.1. */
  lan: boolean
  /** Crash one of them half-way. */
  kill: boolean
  /** Absolute path of the PNG. */
  out: string
  /** Whoever wants to look at the nodes by other means. @default nobody */
  onlooker?: Onlooker
}

/** Told of the nodes while there are any. */
export type Onlooker = Readonly<{
  /** They have met. @param folder the data folder of the first one */
  met: (folder: string) => Promise<void>
  /** The picture is there. The nodes stay until it resolves. */
  done: (summary: DemoSummary) => Promise<void>
}>

/** Measured: six nodes have met after 3 s at most. The rest is for slow computers. */
const meetTimeoutMs = 30_000
const pollMs = 250
/** From the end of a node's connections to the end of its process. Guess: far more than it takes. */
const lastWordsMs = 1000

/**
 * Runs the demo. Whether it succeeds, fails or is aborted: its nodes have ended and its folder is gone afterwards.
 *
 * @param signal aborts it; its reason is thrown
 * @throws InvalidOptionError if the picture could not be written
 * @throws Error with the last words of a node that did not start, or ended
 */
export async function runDemo(
  options: DemoOptions,
  view: View,
  signal: AbortSignal
): Promise<DemoSummary> {
  await checkWritable(options.out)
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-demo-'))
  const nodes = new DemoNodes(options.nodes, folder)
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    view.say(describe(options))
    const story = tell(options, nodes, view).catch(async (error: unknown) => {
      // If a node has ended, that comes to light here first, as a broken connection. Its last words say more.
      await Promise.race([nodes.failed, sleep(lastWordsMs)])
      throw error
    })
    // When one of the others wins the race, the story ends by losing its nodes, and nobody listens.
    story.catch(() => {})
    return await Promise.race([story, nodes.failed, aborted.promise])
  } finally {
    view.stop()
    signal.removeEventListener('abort', abort)
    await nodes.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function tell(options: DemoOptions, nodes: DemoNodes, view: View): Promise<DemoSummary> {
  await nodes.start(options.lan)
  const first = nodes.names[0] ?? ''
  const client = await Client.open({ data: nodes.dataOf(first) })
  await haveMet(client, nodes.names)
  view.say(`${nodes.names.length} nodes have met; all ${TILE_COUNT} tiles go to ${first}`)

  await options.onlooker?.met(nodes.dataOf(first))

  const startedAt = performance.now()
  const progress = nodes.names.map(name => ({ name, running: 0, queued: 0, done: 0 }))
  const picture = { tiles: TILE_COUNT, nodes: progress }
  const victim = options.kill ? nodes.names.at(-1)! : null
  const killHalfWay = (): void => {
    const done = progress.reduce((sum, node) => sum + node.done, 0)
    if (victim === null || done !== Math.floor(TILE_COUNT / 2)) return
    nodes.crash(victim)
    view.say(`${victim} has just been killed: what it was drawing goes to the others`)
  }
  const elapsed = (): number => performance.now() - startedAt
  view.follow(() => ({ ...picture, elapsedMs: elapsed() }))
  const watching = new AbortController()
  const watched = watch(client, progress, watching.signal)
  try {
    const tiles = await drawTiles(client, options, nodes.names, progress, killHalfWay)
    const wallMs = Math.round(elapsed())
    // All tasks have settled; the heartbeats that will say so are still under way.
    for (const node of progress) Object.assign(node, { running: 0, queued: 0 })
    view.stop({ ...picture, elapsedMs: wallMs })
    const summary = summarise(options.out, nodes.names, tiles, wallMs, victim)
    await options.onlooker?.done(summary)
    return summary
  } finally {
    watching.abort()
    await watched
  }
}

/** Submits everything to one node, in one request, and resolves with the tiles when the picture is there. */
async function drawTiles(
  client: Client,
  { out }: DemoOptions,
  names: readonly string[],
  progress: readonly NodeProgress[],
  onDrawn: () => void
): Promise<TileResult[]> {
  const ids: string[] = []
  const accepted = Promise.withResolvers<void>()
  async function* lines(): AsyncGenerator<BatchLine> {
    for (const [line, payload] of tilePlaces().entries()) {
      yield { line, type: 'tile', payload, options: {} }
    }
    await accepted.promise
    const payload: JoinPayload = { file: out, nodes: [...names] }
    yield { line: TILE_COUNT, type: 'join', payload, options: { dependsOn: ids, priority: 10 } }
  }
  const tiles: TileResult[] = []
  for await (const news of client.submitAndWait(lines())) {
    if ('line' in news) {
      ids.push(idIn(news))
      if (ids.length === TILE_COUNT) accepted.resolve()
    } else if (news.task.type === 'tile') {
      const result = resultOf(news.task) as unknown as TileResult
      tiles.push(result)
      const maker = progress.find(({ name }) => name === result.node)
      if (maker) maker.done++
      onDrawn()
    } else {
      resultOf(news.task)
    }
  }
  return tiles
}

function idIn(answer: BatchAnswer): string {
  if ('id' in answer) return answer.id
  throw errorOf(answer) ?? new Error(`the node has refused the task in line ${answer.line}`)
}

function resultOf(task: TaskView): TaskView['result'] {
  if (task.state === 'completed') return task.result
  const why = task.error ? `${task.error.name}: ${task.error.message}` : task.reason
  throw new Error(`the task ${task.id} (${task.type}) has ${task.state} on ${task.holder}: ${why}`)
}

async function haveMet(client: Client, names: readonly string[]): Promise<void> {
  const giveUpAt = performance.now() + meetTimeoutMs
  for (;;) {
    const members = await client.nodes()
    const there = members.filter(({ self, connected }) => self || connected).map(({ name }) => name)
    const missing = names.filter(name => !there.includes(name))
    if (missing.length === 0) return
    if (performance.now() > giveUpAt) {
      throw new Error(
        `after ${meetTimeoutMs / 1000} s ${names[0]} has not met ${missing.join(', ')}: ` +
          'does a firewall keep multicast (UDP port 5353) from this computer itself?'
      )
    }
    await sleep(pollMs)
  }
}

/** Keeps the numbers of running and queued tasks up to date, for the view. */
async function watch(client: Client, progress: NodeProgress[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const members = await client.nodes().catch(() => [])
    for (const node of progress) {
      const member = members.find(({ name }) => name === node.name)
      if (member) Object.assign(node, { running: member.running, queued: member.queued })
    }
    await sleep(pollMs, undefined, { signal }).catch(() => {})
  }
}

function describe({ nodes, lan }: DemoOptions): string {
  const reach = lan
    ? 'they listen on all interfaces and use mDNS on the LAN (--lan)'
    : 'they stay on 127.0.0.1, nothing reaches the network (--lan uses it)'
  return `starting ${nodes} nodes on this computer, with a key of their own;\n${reach}`
}

/** Better refused now than after all the work. */
async function checkWritable(out: string): Promise<void> {
  const refuse = (why: string): never => {
    throw new InvalidOptionError(`the picture cannot be written to ${out} (${why}): use --out FILE`)
  }
  const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? error.message
  const folder = await access(dirname(out), constants.W_OK).then(() => 'fine', codeOf)
  if (folder !== 'fine') refuse(`folder: ${folder}`)
  const existing = await stat(out).catch(() => null)
  if (existing?.isDirectory()) refuse('that is a folder')
  const file = await access(out, constants.W_OK).then(() => 'fine', codeOf)
  if (file !== 'fine' && file !== 'ENOENT') refuse(file)
}
