/** What a user may do to tasks and nodes, with what comes of it said. */
import type { CancelResult, NodeView, Submitted } from '../../../node/api/node-api.ts'
import { post } from './api.ts'
import { about } from './cluster.ts'
import { counted, shortId } from './format.ts'
import { say, sayTrouble } from './notes.ts'
import { pathOfTask } from './route.ts'

/** Requests at a time, where there are many. */
const AT_A_TIME = 8

export type Action = 'cancel' | 'retry'

export function mayChange(): boolean {
  return !about.value.readOnly
}

export async function cancelTask(id: string): Promise<void> {
  await saying(async () => {
    const { status } = await post<CancelResult>(`/v1/tasks/${id}/cancel`)
    const words = {
      cancelled: 'is cancelled',
      completed: 'had completed before',
      failed: 'had failed before',
      requested: 'will be cancelled when its holder hears of it'
    }
    say(`${shortId(id)} ${words[status]}`)
  })
}

export async function retryTask(id: string): Promise<void> {
  await saying(async () => {
    const { id: copy } = await post<Submitted>(`/v1/tasks/${id}/retry`)
    say(`${shortId(id)} is tried again as ${shortId(copy)}`, pathOfTask(copy))
  })
}

/** The same for each of some tasks that were chosen one by one. */
export async function doEach(action: Action, ids: readonly string[]): Promise<void> {
  const rest = ids.values()
  let done = 0
  const refused: string[] = []
  const work = async (): Promise<void> => {
    for (const id of rest) {
      try {
        await post(`/v1/tasks/${id}/${action}`)
        done++
      } catch (error) {
        refused.push((error as Error).message)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  if (done > 0) say(`${counted(done, 'task')} ${action === 'cancel' ? 'cancelled' : 'tried again'}`)
  if (refused.length > 0) sayTrouble(`${counted(refused.length, 'task')} refused: ${refused[0]}`)
}

export async function drainNode(name: string): Promise<void> {
  await saying(async () => {
    await post<NodeView>('/v1/drain', {}, { node: name })
    say(`${name} takes nothing more, and hands on what it holds`)
  })
}

export async function forgetNode(name: string): Promise<void> {
  await saying(async () => {
    await post<NodeView>('/v1/forget', {}, { node: name })
    say(`${name} counts no more: what it held is taken over`)
  })
}

/** The node by way of which this page asks. */
export async function leaveNode(name: string): Promise<void> {
  await saying(async () => {
    await post('/v1/leave', { node: name })
    say(`${name} leaves: it lets running tasks finish, and hands on the rest`)
  })
}

async function saying(action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    sayTrouble(error)
  }
}
