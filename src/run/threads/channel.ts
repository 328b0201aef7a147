/**
 * A worker thread and the node's line to it.
 *
 * The line is a port of its own, which the thread takes before it loads any handler. A handler has `parentPort` for
 * itself, as in any worker thread: nobody listens there, so whatever is posted to it costs nothing.
 */
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads'
import { programFile } from '../../shared/own-files.ts'
import { withoutKey } from '../commands/command.ts'
import { Taken } from './credit.ts'
import { readFromThread, type FromThread, type Unreadable } from './from-thread.ts'
import type { ThreadData, ToThread } from './protocol.ts'
import { SharedMemory } from './shared-memory.ts'

export type Listener = {
  message(message: FromThread | Unreadable): void
  /** Something escaped that the thread could not catch itself. `exited` follows. */
  error(error: unknown): void
  /** All that it had posted has been told before. */
  exited(code: number): void
}

/** Above the largest array (1 GiB) and the largest text (512 MiB) of V8 together. */
const UNREACHABLE_MIB = 2048

/**
 * A thread whose line is cut although it has not exited cannot say anything any more. Guess: an exit takes far less.
 */
const CUT_MS = 1000

export class Channel {
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #taken = new Taken()
  readonly #shared = new SharedMemory()
  readonly #listener: Listener

  constructor(memoryMiB: number, listener: Listener) {
    this.#listener = listener
    const { port1, port2: port } = new MessageChannel()
    this.#port = port1
    this.#worker = startWorker(memoryMiB, {
      port,
      taken: this.#taken.buffer,
      shared: this.#shared.buffer
    })
    this.#worker.stdout.resume()
    this.#port.on('message', message => this.#hear(message))
    this.#port.on('messageerror', error => this.#hear(error))
    this.#worker.on('error', error => listener.error(error))
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#worker.on('exit', code => {
      resolve()
      this.#exited(code)
    })
    this.#port.on('close', () => {
      const timer = setTimeout(() => void this.end(), CUT_MS).unref()
      void promise.then(() => clearTimeout(timer))
    })
  }

  send(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#port.postMessage(message)
  }

  /** Keeps the process alive, as a thread does that has something to do. */
  ref(): void {
    this.#worker.ref()
    this.#port.ref()
  }

  unref(): void {
    this.#worker.unref()
    this.#port.unref()
  }

  /** Bytes of its heap, of what hangs on it, and of what it may share with others. @throws if it is about to exit */
  async memory(): Promise<number> {
    const { used_heap_size: heap, external_memory: external } =
      await this.#worker.getHeapStatistics()
    return heap + external + this.#shared.bytes
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #hear(message: unknown): void {
    const read = readFromThread(message)
    if (read.kind === 'output' || read.kind === 'progress') this.#taken.add()
    this.#listener.message(read)
  }

  /** Only of a thread's own port is all delivered that it has posted before it is said to have exited. */
  #exited(code: number): void {
    for (
      let last = receiveMessageOnPort(this.#port);
      last !== undefined;
      last = receiveMessageOnPort(this.#port)
    ) {
      this.#hear(last.message)
    }
    this.#port.close()
    this.#listener.exited(code)
  }
}

function startWorker(memoryMiB: number, data: Required<ThreadData>): Worker {
  return new Worker(programFile('run/threads/worker'), {
    name: 'hearsay handler',
    workerData: data,
    transferList: [data.port],
    // Never the node's own. What is printed there is taken up in the thread; what got past that goes nowhere.
    stdout: true,
    env: withoutKey(process.env),
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB + UNREACHABLE_MIB },
    // A thread inherits the flags of the process, and one of them is refused for files.
    ...(process.execArgv.some(flag => flag.startsWith('--input-type')) && { execArgv: [] })
  })
}
