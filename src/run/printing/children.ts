/**
 * Processes that a handler starts with the stdout or stderr of its own: they would get the node's. They get a pipe, and
 * what comes through it is taken up like what the handler prints.
 */
import { syncBuiltinESMExports } from 'node:module'
import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { OutputStream } from '../../core/message.ts'
import { streamOf } from './descriptors.ts'
import type { Print } from './printed.ts'

type Options = { stdio?: unknown; maxBuffer?: number }
type AnyFunction = (...given: unknown[]) => unknown

/** Of a process, by its descriptor: the stream of the handler that it would write to. */
type Inherited = ReadonlyMap<number, OutputStream>

/** Has `print` called with all that such processes print, if they are started from now on. */
export function captureChildren(print: Print): void {
  const module = process.getBuiltinModule('node:child_process') as unknown as Record<
    string,
    AnyFunction
  >
  captureStarted(module, print)
  for (const name of ['spawnSync', 'execFileSync', 'execSync']) captureAwaited(module, name, print)
  syncBuiltinESMExports()
}

/** All that is started and goes on beside the handler begins with this method of the process. */
function captureStarted(module: Record<string, AnyFunction>, print: Print): void {
  const prototype = (
    module['ChildProcess'] as unknown as { prototype: Record<string, AnyFunction> }
  ).prototype
  const spawn = prototype['spawn']!
  prototype['spawn'] = function (this: ChildProcess, options: unknown): unknown {
    const { stdio, inherited } = piped((options as Options).stdio)
    const result = spawn.call(
      this,
      inherited.size === 0 ? options : { ...(options as Options), stdio }
    )
    for (const [descriptor, stream] of inherited) {
      const output = this.stdio?.[descriptor] as Readable | null | undefined
      output?.on('data', (bytes: Uint8Array) => print(stream, bytes))
      output?.on('error', () => {})
    }
    return result
  }
}

/** The handler waits for its end: what it has printed is there afterwards. */
function captureAwaited(module: Record<string, AnyFunction>, name: string, print: Print): void {
  const original = module[name]!
  module[name] = (...given) => {
    const at = given.findIndex(value => isOptions(value))
    const options = (given[at] ?? {}) as Options
    const { stdio, inherited } = piped(options.stdio)
    if (inherited.size === 0) return original(...given)
    // Of these two only stdout comes back. Where they are not told otherwise, they print stderr like the handler itself.
    const isExec = name !== 'spawnSync'
    const changed = { ...options, stdio: isExec && inherited.has(2) ? undefined : stdio }
    const say = (descriptor: number, said: unknown): void => {
      const stream = inherited.get(descriptor)
      if (stream !== undefined && said) print(stream, Buffer.from(said as Uint8Array))
    }
    const bounded = { maxBuffer: Infinity, ...changed }
    try {
      const result = original(...given.slice(0, at), bounded, ...given.slice(at + 1))
      if (isExec) say(1, result)
      else for (const [descriptor, said] of outputOf(result)) say(descriptor, said)
      return result
    } catch (error) {
      if (isExec)
        for (const [descriptor, said] of outputOf(error)) if (descriptor === 1) say(1, said)
      throw error
    }
  }
}

function outputOf(result: unknown): Iterable<[number, unknown]> {
  return ((result as { output?: unknown[] | null }).output ?? []).entries()
}

function isOptions(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The same with pipes in place of the descriptors 1 and 2 of the node. */
function piped(stdio: unknown): { stdio: unknown; inherited: Inherited } {
  const inherited = new Map<number, OutputStream>()
  const list = stdio === 'inherit' ? ['inherit', 'inherit', 'inherit'] : stdio
  if (!Array.isArray(list)) return { stdio, inherited }
  const changed = list.map((given: unknown, descriptor) => {
    const stream = streamOf(given === 'inherit' ? descriptor : given)
    if (stream === undefined) return given
    inherited.set(descriptor, stream)
    return 'pipe'
  })
  return { stdio: changed, inherited }
}
