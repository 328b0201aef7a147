/**
 * The commands of a node as processes: started by a process of their own (starter.ts), which is there as long as it is
 * needed, and read piece by piece.
 *
 * No code of users runs in the starter, and no command has the line to it: what it says is believed. Should it be
 * killed, its commands are lost to us: what they print and how they end. They are over then, and who runs them ends
 * their groups. The next command gets a new starter.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { programFile } from '../../shared/own-files.ts'
import { withoutKey, type Command } from './command.ts'
import type { CommandStream, Ending, FromStarter, ToStarter } from './starter-messages.ts'

/** Hears a piece of what a command prints, and calls back when it wants the next one. */
export type HearPiece = (bytes: Uint8Array, more: () => void) => void

/** A command that has been started. */
export type Process = Readonly<{
  /** Id of the process, and of its group. */
  pid: number
  /** Null: how it ended cannot be known any more. */
  ended: Promise<Ending | null>
  /** Reads one stream; resolves when there is nothing more to come. */
  read(stream: CommandStream, hear: HearPiece): Promise<void>
  /** To be called once: its group has ended, and nothing of it is read any more. */
  over(): void
}>

/** Why a command was not started. */
export type NotStarted = Readonly<{ why: string }>

type Output = {
  hear: ((bytes: Uint8Array) => void) | null
  /** What came before there was a reader. */
  held: Uint8Array | null
  closed: PromiseWithResolvers<void>
}

type Entry = Readonly<{
  answer: PromiseWithResolvers<number | NotStarted>
  ended: PromiseWithResolvers<Ending | null>
  outputs: Readonly<Record<CommandStream, Output>>
}>

export class CommandProcesses {
  /** Time without a command after which the starter is ended. */
  readonly #idleMs: number
  readonly #entries = new Map<number, Entry>()
  #starter: ChildProcess | null = null
  #idle: NodeJS.Timeout | undefined
  #started = 0

  constructor(idleMs: number) {
    this.#idleMs = idleMs
  }

  async start(command: Command): Promise<Process | NotStarted> {
    const number = ++this.#started
    const output = (): Output => ({ hear: null, held: null, closed: Promise.withResolvers() })
    const entry: Entry = {
      answer: Promise.withResolvers(),
      ended: Promise.withResolvers(),
      outputs: { stdout: output(), stderr: output() }
    }
    clearTimeout(this.#idle)
    this.#entries.set(number, entry)
    try {
      this.#starter ??= this.#startStarter()
      this.#starter.ref()
      this.#starter.channel?.ref()
      this.#send({ kind: 'start', number, command })
    } catch (error) {
      this.#remove(number)
      return { why: (error as Error).message }
    }
    const answer = await entry.answer.promise
    if (typeof answer !== 'number') return answer
    return {
      pid: answer,
      ended: entry.ended.promise,
      read: (stream, hear) => this.#read(number, entry, stream, hear),
      over: () => {
        this.#send({ kind: 'over', number })
        this.#remove(number)
      }
    }
  }

  /** Nothing is started any more. Commands that are left are ended. */
  stop(): void {
    clearTimeout(this.#idle)
    if (this.#starter?.connected === true) this.#starter.disconnect()
    this.#lose(this.#starter, 'the node has stopped')
  }

  #read(number: number, entry: Entry, stream: CommandStream, hear: HearPiece): Promise<void> {
    const output = entry.outputs[stream]
    output.hear = bytes => hear(bytes, () => this.#send({ kind: 'more', number, stream }))
    if (output.held !== null) output.hear(output.held)
    output.held = null
    return output.closed.promise
  }

  /** About a command that has gone with its starter, it is sent nowhere. */
  #send(message: ToStarter): void {
    if (this.#entries.has(message.number)) this.#starter?.send(message, () => {})
  }

  #remove(number: number): void {
    this.#entries.delete(number)
    if (this.#entries.size > 0) return
    this.#starter?.unref()
    this.#starter?.channel?.unref()
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.stop(), this.#idleMs).unref()
  }

  #startStarter(): ChildProcess {
    const starter = fork(fileURLToPath(programFile('run/commands/starter')), {
      // What ends the node's group, as Ctrl-C does, is for the node to decide about.
      detached: true,
      serialization: 'advanced',
      // It is to find its libraries as we do; flags are ours alone.
      execArgv: [],
      env: { ...withoutKey(process.env), NODE_OPTIONS: undefined },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc']
    })
    starter.on('message', message => this.#hear(message as FromStarter))
    starter.on('error', ({ message }) => this.#lose(starter, message))
    starter.on('exit', (code, signal) => {
      this.#lose(starter, `the process that starts commands ended: ${signal ?? `code ${code}`}`)
    })
    return starter
  }

  #hear(message: FromStarter): void {
    const entry = this.#entries.get(message.number)
    if (entry === undefined) return
    if (message.kind === 'started') entry.answer.resolve(message.pid)
    else if (message.kind === 'exited') entry.ended.resolve(message.ending)
    else if (message.kind === 'closed') entry.outputs[message.stream].closed.resolve()
    else if (message.kind === 'output') {
      const output = entry.outputs[message.stream]
      if (output.hear === null) output.held = message.bytes
      else output.hear(message.bytes)
    } else {
      this.#remove(message.number)
      entry.answer.resolve({ why: message.why })
    }
  }

  #lose(starter: ChildProcess | null, why: string): void {
    if (this.#starter !== starter) return
    this.#starter = null
    for (const [number, { answer, ended, outputs }] of this.#entries) {
      this.#entries.delete(number)
      answer.resolve({ why })
      ended.resolve(null)
      for (const { closed } of Object.values(outputs)) closed.resolve()
    }
  }
}
