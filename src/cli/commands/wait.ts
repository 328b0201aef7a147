/** `hearsay wait`: prints each of the tasks when it settles, whichever comes first. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import { parseDurationMs } from '../output/duration.ts'
import { mostTelling } from '../exit-code.ts'
import { progressText } from '../output/print.ts'
import { printable } from '../output/printable.ts'
import { Progress } from '../output/progress.ts'
import { printSettled } from '../output/settled.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient } from '../verb.ts'

/** How often a user who watches is shown something new, and of how many tasks at once. */
const LOOK_MS = 1000
const SHOWN_MAX = 4

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'wait',
    summary: 'wait until tasks have settled, and print each when it has',
    examples: ['hearsay wait 0007a31c94e2 --timeout 30s', 'hearsay wait $(cat ids.txt) --json']
  })
    .argument(
      '<id...>',
      'ids, or any unambiguous parts of them: the ends, rather than the beginnings'
    )
    .option('--timeout <duration>', 'give up after this; the tasks go on', parseDurationMs)
    .action(async (ids, { timeout, json, ...where }) => {
      const client = await openClient(where)
      const ended = new AbortController()
      const progress = new Progress(terminal)
      const about = { client, timeoutMs: timeout, json: json === true, ended }
      const waitFor = (id: string): Promise<number> =>
        printSettled({ ...about, id, onPrint: () => progress.clear() }, terminal)
      const waiting = Promise.all(ids.map(waitFor))
      const over = new AbortController()
      if (progress.isWatched) void watch(client, ids, progress, over.signal)
      try {
        terminal.exitCode = mostTelling(await waiting)
      } finally {
        over.abort()
        progress.clear()
      }
    })
}

/** Shows how far the tasks are, on a terminal. What cannot be had is not shown; the wait itself says why. */
async function watch(
  client: Client,
  ids: readonly string[],
  progress: Progress,
  over: AbortSignal
): Promise<void> {
  try {
    for (;;) {
      await sleep(LOOK_MS, undefined, { signal: over, ref: false })
      const tasks = await Promise.all(ids.slice(0, SHOWN_MAX).map(id => client.get(id)))
      const texts = tasks.flatMap(task => {
        const text = progressText(task)
        return text === null ? [] : [`${task.id.slice(-12)} ${text}`]
      })
      if (over.aborted) return
      if (texts.length > 0) progress.show(printable(texts.join('; ')))
    }
  } catch {
    progress.clear()
  }
}
