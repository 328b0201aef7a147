/**
 * How much memory a thread has taken that may be shared with others. V8 counts it for no thread, since none owns it: so
 * whoever fills such buffers would be bounded by nothing.
 *
 * A thread counts what it makes, from before it loads any handler, into memory that the node reads. What it no longer
 * has is taken off when V8 notices that.
 */

/** The node's side. */
export class SharedMemory {
  readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4)
  readonly #kib = new Int32Array(this.buffer)

  get bytes(): number {
    return Math.max(0, Atomics.load(this.#kib, 0)) * 1024
  }
}

type Counted = { kib: number }

/** What is not among the types of Node. */
type Wasm = { WebAssembly: { Memory: Class<{ buffer: ArrayBufferLike }> } }

/** The thread's side: counts all that is made in it from now on. @param counter the node's `SharedMemory.buffer` */
export function countSharedMemory(counter: SharedArrayBuffer): void {
  const total = new Int32Array(counter)
  const counted = new WeakMap<object, Counted>()
  const gone = new FinalizationRegistry<Counted>(({ kib }) => Atomics.sub(total, 0, kib))
  const count = (owner: object, bytes: number): void => {
    const known = counted.get(owner) ?? { kib: 0 }
    const kib = Math.ceil(bytes / 1024)
    Atomics.add(total, 0, kib - known.kib)
    known.kib = kib
    if (counted.has(owner)) return
    counted.set(owner, known)
    gone.register(owner, known)
  }
  globalThis.SharedArrayBuffer = watched(globalThis.SharedArrayBuffer, buffer =>
    count(buffer, buffer.byteLength)
  )
  const { WebAssembly: wasm } = globalThis as unknown as Wasm
  wasm.Memory = watched(wasm.Memory, memory => {
    // What is not shared V8 counts itself.
    if (memory.buffer instanceof SharedArrayBuffer) count(memory, memory.buffer.byteLength)
  })
}

type Class<T extends object> = { new (...args: never[]): T; prototype: T }

/** The same class in all that can be seen of it. @param seen called with each object that is made, and when it has grown */
function watched<T extends object, C extends Class<T>>(
  original: C,
  seen: (made: C['prototype']) => void
): C {
  const { prototype } = original
  const proxy: C = new Proxy(original, {
    construct(target, args, newTarget) {
      const made = Reflect.construct(target, args, newTarget === proxy ? target : newTarget) as T
      seen(made)
      return made
    }
  })
  const grow = Reflect.get(prototype, 'grow') as (this: T, to: number) => unknown
  Object.defineProperties(prototype, {
    constructor: { value: proxy },
    grow: {
      value(this: T, to: number): unknown {
        const grown = grow.call(this, to)
        seen(this)
        return grown
      }
    }
  })
  return proxy
}
