/** `hearsay wait`: prints each of the tasks when it settles, whichever comes first. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import type { TaskView } from '../../node/api/node-api.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { parseDurationMs } from '../output/duration.ts'
import { mostTelling, TIMED_OUT, USAGE } from '../exit-code.ts'
import { progressText } from '../output/print.ts'
import { printable } from '../../shared/printable.ts'
import { Progress } from '../output/progress.ts'
import { numbered, printSettled, settledText, type Wait } from '../output/settled.ts'
import type { Terminal } from '../terminal.ts'
import { StuckHint } from '../wait/stuck.ts'
import { clientVerb, openClient } from '../verb.ts'

/** How often a user who watches is shown something new, and of how many tasks at once. */
const LOOK_MS = 1000
const SHOWN_MAX = 4

type How = Pick<Wait, 'client' | 'timeoutMs' | 'textOf'>

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'wait',
    summary: 'wait until tasks have settled, and print each when it has',
    examples: [
      'hearsay wait 0007a31c94e2 --timeout 30s',
      'hearsay wait $(cat ids.txt) --json',
      'hearsay submit --each tasks.ndjson --json | hearsay wait --each -'
    ]
  })
    .argument(
      '[id...]',
      'ids, or any unambiguous parts of them: the ends, rather than the beginnings'
    )
    .option(
      '--each <file>',
      'wait for a task a line of this file, or of stdin (-): its id, or JSON that has one'
    )
    .option('--timeout <duration>', 'give up after this; the tasks go on', parseDurationMs)
    .action(async (ids, { each, timeout, json, ...where }) => {
      if (each === undefined && ids.length === 0) {
        throw new InvalidOptionError('wait needs an id, or --each FILE with one on each line')
      }
      if (each !== undefined && ids.length > 0) {
        throw new InvalidOptionError(
          'with --each, ids are in the file: leave out those on the command line'
        )
      }
      const client = await openClient(where, terminal)
      const textOf = (task: TaskView): Promise<string> =>
        settledText(client, task, json === true, terminal)
      const how = { client, timeoutMs: timeout, textOf }
      const waiting =
        each === undefined ? waitFor(ids, how, terminal) : waitEach(each, how, terminal)
      terminal.exitCode = mostTelling([...(await waiting)])
    })
}

async function waitFor(
  ids: readonly string[],
  how: How,
  terminal: Terminal
): Promise<ReadonlySet<number>> {
  const progress = new Progress(terminal)
  const over = new AbortController()
  const say = (text: string): void => {
    progress.clear()
    terminal.words(text)
  }
  const hint = new StuckHint(how.client, () => ids, say)
  if (progress.isWatched) void watch(how.client, ids, progress, over.signal)
  try {
    const onPrint = (): void => progress.clear()
    return await printSettled({ ...how, lines: numbered(ids), onPrint }, terminal)
  } finally {
    hint.stop()
    over.abort()
    progress.clear()
  }
}

async function waitEach(file: string, how: How, terminal: Terminal): Promise<ReadonlySet<number>> {
  const { IdLines } = await import('../wait/id-lines.ts')
  const { timeoutMs } = how
  const progress = new Progress(terminal)
  const say = (text: string): void => {
    progress.clear()
    terminal.words(text)
  }
  const ids = await IdLines.open(file, terminal.stdin, say)
  let told = 0
  const late = timeoutMs === undefined ? undefined : setTimeout(() => ids.stop(), timeoutMs)
  const looking = setInterval(() => {
    if (progress.isDue) progress.show(`${told} of ${ids.count} have settled`)
  }, LOOK_MS)
  const hint = new StuckHint(how.client, () => ids.first, say)
  const shown = {
    nameOf: (line: number) => `line ${line}: `,
    onPrint: () => progress.clear(),
    onTold: () => void told++
  }
  try {
    const codes = await printSettled({ ...how, ...shown, lines: ids.lines() }, terminal)
    if (ids.failure !== null) throw ids.failure
    if (ids.isCut)
      say(`${ids.name} has not ended within ${timeoutMs} ms: its other ids are not read`)
    else if (ids.count + ids.wrong === 0)
      throw new InvalidOptionError(`no line of ${ids.name} has an id`)
    return new Set([...codes, ...(ids.wrong > 0 ? [USAGE] : []), ...(ids.isCut ? [TIMED_OUT] : [])])
  } finally {
    hint.stop()
    clearTimeout(late)
    clearInterval(looking)
    ids.stop()
    progress.clear()
  }
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
