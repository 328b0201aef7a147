/**
 * Whether the nodes of a cluster work together, seen from outside: each takes a task and one that needs it, all know both,
 * both are done, each knows all others as alive; what people and programs ask for can be told; nothing has grown without
 * bound.
 */
import type { TaskId } from '../../src/core/base/ids.ts'
import { nodeOf } from '../../src/core/base/ids.ts'
import { TASK_DEFAULTS } from '../../src/core/options.ts'
import type { SimNode } from '../../src/sim/world/sim-node.ts'
import { memberView, selfView, statusView, taskView } from '../../src/node/queries/views.ts'
import { PROBE, type World } from './world.ts'

/** A dependency that nobody knows is given up after 60 s, a boot of which nobody knows is asked about until then. */
const WORK_MS_MAX = 120_000
/** Longer than it takes to be accepted where links break, and for all to have it, and short enough for it to be forgotten before the next round. */
const PROBE_KEPT_MS = 6000
/** Until what has settled is forgotten, boots of which nothing is left are closed, and who is silent is suspect. */
const REST_MS = 8000
/** Whoever was met, invented or heard of at third hand. Guess: five times the design's fifty, and as many again. */
const MEMBERS_MAX = 600
const VECTOR_MAX = 16_384

/** @throws Error saying what is missing, and where */
export function checkWorking(world: World, firstRequest: number): void {
  const nodes = world.alive()
  const first = nodes.map((node, n) => submit(node, firstRequest + n, []))
  const ids = accepted(world, first)
  const second = nodes.map((node, n) => {
    const other = ids[(n + 1) % ids.length]!
    return submit(node, firstRequest + nodes.length + n, [other])
  })
  const all = [...ids, ...accepted(world, second)]
  const done = new Map(nodes.map(node => [node, new Set<TaskId>()]))
  world.waitFor(() => firstOf(nodes, node => lacks(node, all, done.get(node)!)), WORK_MS_MAX)
  // Longer than it takes to become suspect: who was heard before anything went wrong is no sign.
  world.until(world.eventQueue.now + REST_MS)
  world.waitFor(() => firstOf(nodes, node => misses(node, nodes)), WORK_MS_MAX)
  for (const node of nodes) {
    checkTold(node)
    checkSizes(node)
  }
}

function submit(node: SimNode, request: number, dependsOn: readonly TaskId[]): number {
  const draft = {
    ...TASK_DEFAULTS,
    type: PROBE,
    payload: 'null',
    priority: 10,
    dependsOn,
    retentionMs: PROBE_KEPT_MS
  }
  node.feed({ kind: 'submit', request, id: null, draft, acks: null })
  return request
}

function accepted(world: World, requests: readonly number[]): TaskId[] {
  world.waitFor(() => {
    const open = requests.filter(request => !world.accepted.has(request))
    return open.length === 0
      ? null
      : `${open.length} of ${requests.length} submissions are not accepted`
  }, WORK_MS_MAX)
  return requests.map(request => world.accepted.get(request)!)
}

/** @param done those that have been seen there, done: they may be forgotten since */
function lacks(node: SimNode, ids: readonly TaskId[], done: Set<TaskId>): string | null {
  let missing: string | null = null
  for (const id of ids) {
    if (done.has(id)) continue
    const record = node.core.view.record(id)
    const state = record === undefined ? 'unknown' : node.core.view.state(record)
    if (state === 'completed') done.add(id)
    else missing ??= `a new task is ${state} on ${node.id}`
  }
  return missing
}

function misses(node: SimNode, nodes: readonly SimNode[]): string | null {
  const members = node.core.view.members(node.now)
  for (const { id, options } of nodes) {
    if (id === node.id) continue
    const member = members.find(({ heartbeat }) => nodeOf(heartbeat.boot) === id)
    if (member === undefined) return `${node.id} does not know ${id}`
    if (member.status !== 'alive') return `${node.id} sees ${id} as ${member.status}`
    if (!member.linked) return `${node.id} has no link to ${id}`
    if (member.heartbeat.boot !== options.boot) return `${node.id} knows ${id} by another boot`
  }
  return null
}

function firstOf(nodes: readonly SimNode[], what: (node: SimNode) => string | null): string | null {
  for (const node of nodes) {
    const missing = what(node)
    if (missing !== null) return missing
  }
  return null
}

/** All that `ls`, `get`, `nodes` and `status` say. Whoever asks gets JSON. */
function checkTold(node: SimNode): void {
  const { view } = node.core
  const members = view.members(node.now).map(member => memberView(member, undefined))
  const nodes = [selfView(view.self()), ...members]
  JSON.stringify(statusView('fuzz', view, nodes, view.hasQuorum(node.now)))
  for (const record of view.records()) {
    JSON.stringify(taskView(record, view, boot => nodeOf(boot), null))
  }
}

function checkSizes({ id, core, now, options }: SimNode): void {
  const { view } = core
  const sizes = {
    members: [view.members(now).length, MEMBERS_MAX],
    'members on disk': [options.disk.members.size, MEMBERS_MAX],
    'expected instances': [view.roster().length, MEMBERS_MAX],
    boots: [view.mergedVector().size, VECTOR_MAX]
  }
  for (const [what, [size, max]] of Object.entries(sizes) as [string, [number, number]][]) {
    if (size > max) throw new Error(`${id} has ${size} ${what}, more than ${max}`)
  }
}
