/** Waits for tasks and prints how each ended, for every verb that waits. */
import { bundled } from '../../api/bundle.ts'
import type { Client } from '../../api/client.ts'
import { errorOf } from '../../api/problem.ts'
import type { WaitLine } from '../../api/waits.ts'
import { exitCodeOfError, exitCodeOfTask, OWN_FAILURE } from '../exit-code.ts'
import type { TaskView } from '../../node/api/node-api.ts'
import { taskLine } from './print.ts'
import type { Terminal } from '../terminal.ts'
import { wholeTask } from './whole.ts'

export type Wait = Readonly<{
  client: Client
  lines: AsyncIterable<WaitLine>
  timeoutMs: number | undefined
  /** Ends the waiting, with its reason. @default nothing does */
  signal?: AbortSignal
  /** What is printed of a task that has settled; '' for nothing. */
  textOf: (task: TaskView) => Promise<string>
  /** What stands before the words on a task that cannot be waited for. @default nothing */
  nameOf?: (line: number) => string
  /** Called before anything is printed. @default nothing is to be done */
  onPrint?: () => void
  /** Called for each task, when it has settled or cannot be waited for. @default nothing is to be done */
  onTold?: () => void
}>

/** These ids as lines. */
// oxlint-disable-next-line typescript/require-await -- the lines of a file are asynchronous
export async function* numbered(ids: readonly string[]): AsyncGenerator<WaitLine> {
  for (const [i, id] of ids.entries()) yield { line: i + 1, id }
}

/** How a task ended, as a line with its end. */
export async function settledText(
  client: Client,
  task: TaskView,
  json: boolean,
  terminal: Terminal
): Promise<string> {
  return `${json ? await wholeTask(client, task) : taskLine(task, terminal)}\n`
}

/**
 * Prints each of the tasks as it settles. Resolves to the exit codes that they ask for: one that is unknown must not keep
 * the others from being printed.
 *
 * @throws NoNodeError NodeClosedError BrokenPipeError
 */
export async function printSettled(wait: Wait, terminal: Terminal): Promise<Set<number>> {
  const codes = new Set<number>()
  const ended = new AbortController()
  const over = AbortSignal.any([ended.signal, ...(wait.signal === undefined ? [] : [wait.signal])])
  for await (const text of bundled(settledTexts(wait, codes, over, terminal))) {
    wait.onPrint?.()
    try {
      await terminal.raw('stdout', text)
    } catch (error) {
      ended.abort(error)
      throw error
    }
  }
  return codes
}

async function* settledTexts(
  { client, lines, timeoutMs, textOf, nameOf = () => '', onPrint, onTold }: Wait,
  codes: Set<number>,
  signal: AbortSignal,
  terminal: Terminal
): AsyncGenerator<string> {
  const failed = (line: number, error: Error): void => {
    const code = exitCodeOfError(error)
    if (code === OWN_FAILURE || error.name === 'NoNodeError') throw error
    onPrint?.()
    terminal.words(nameOf(line) + error.message)
    codes.add(code)
  }
  for await (const answer of client.waitEach(lines, { timeoutMs, signal })) {
    const { line } = answer
    onTold?.()
    try {
      if ('error' in answer) throw errorOf(answer)!
      codes.add(exitCodeOfTask(answer.task.state))
      const text = await textOf(answer.task)
      if (text !== '') yield text
    } catch (error) {
      failed(line, error as Error)
    }
  }
}
