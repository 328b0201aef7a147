/**
 * Values that programs hand in, as JSON: so that they arrive as they were given, or are refused with their place.
 *
 * `JSON.stringify` makes `{}` of a Map and null of NaN, and says of neither. Here whatever it would change is refused,
 * with one exception that programs count on: a property that is undefined is left out, and undefined in a list is null.
 */
import { types } from 'node:util'
import { JSON_DEPTH_MAX, JsonRefusedError, JsonScan } from './json-scan.ts'

/**
 * `stringify` as it is before any handler is loaded: one that replaces it has not the results of others in its hand.
 */
const { stringify } = JSON

/** A value that JSON cannot carry. The message says where in it what is: `items[3].id is a BigInt`. */
export class NotJsonError extends Error {
  override readonly name = 'NotJsonError'
}

/**
 * A value as JSON text.
 *
 * @throws NotJsonError, and whatever its own `toJSON` and getters throw
 */
export function jsonText(value: unknown): string {
  let text: string | undefined
  try {
    text = stringify(value, refuseUnfit)
  } catch (error) {
    throw notJson(value, error)
  }
  if (text === undefined) throw new NotJsonError(`it is ${typeof value}`)
  if (text.length > 2 * JSON_DEPTH_MAX) assertShallow(text)
  return text
}

function assertShallow(text: string): void {
  try {
    new JsonScan('depth').push(text)
  } catch (error) {
    if (error instanceof JsonRefusedError) throw tooDeep()
    throw error
  }
}

function tooDeep(): NotJsonError {
  return new NotJsonError(`it has more than ${JSON_DEPTH_MAX} lists and objects within each other`)
}

type Holder = Readonly<Record<string, unknown>>

class Unfit extends Error {}

function refuseUnfit(this: Holder, key: string, value: unknown): unknown {
  if (unfitness(this, key, value) !== null) throw new Unfit()
  return value
}

/** What of a value JSON cannot carry; null if it can. */
function unfitness(holder: Holder, key: string, value: unknown): string | null {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? null : String(value)
    case 'bigint':
      return 'a BigInt'
    case 'symbol':
    case 'function':
      return `a ${typeof value}`
    case 'object':
      return value === null ? invalidDate(holder[key]) : unfitObject(value)
    case 'boolean':
    case 'string':
    case 'undefined':
      return null
  }
}

/** Of a date that is none, its own `toJSON` makes null. */
function invalidDate(given: unknown): string | null {
  return types.isDate(given) ? 'an invalid Date' : null
}

function unfitObject(value: object): string | null {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === Array.prototype) return null
  if (types.isMap(value) || types.isSet(value)) {
    return `a ${types.isMap(value) ? 'Map' : 'Set'}, give what is in it as a list`
  }
  if (types.isPromise(value)) return 'a Promise, await it first'
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
    return 'binary data, give it as text such as base64'
  }
  if (types.isNativeError(value)) return 'an Error, throw it or give its message'
  if (types.isRegExp(value)) return 'a RegExp'
  if (types.isWeakMap(value) || types.isWeakSet(value)) return 'a WeakMap or WeakSet'
  if (types.isBigIntObject(value) || types.isSymbolObject(value)) return 'a BigInt or symbol'
  return null
}

/** Why a value could not be written. Only now is it looked where. */
function notJson(value: unknown, error: unknown): unknown {
  const isCircle = error instanceof TypeError && /circular/.test(error.message)
  if (error instanceof Unfit || isCircle) {
    const fault = faultIn(value)
    if (fault !== null) return new NotJsonError(fault)
  }
  // V8's words for too many calls within each other.
  return error instanceof RangeError && /call stack/.test(error.message) ? tooDeep() : error
}

function faultIn(value: unknown): string | null {
  const paths = new Map<unknown, string>()
  const open: unknown[] = []
  let fault: string | null = null
  try {
    stringify(value, function look(this: Holder, key: string, item: unknown): unknown {
      const holder = paths.get(this)
      const path = holder === undefined ? '' : holder + step(this, key)
      while (open.length > 0 && open.at(-1) !== this) open.pop()
      const what = open.includes(item) ? 'an object that it is itself within' : null
      const why = what ?? unfitness(this, key, item)
      if (why !== null) {
        fault = `${path.replace(/^\./, '') || 'it'} is ${why}`
        throw new Unfit()
      }
      if (typeof item === 'object' && item !== null) {
        paths.set(item, path)
        open.push(item)
      }
      return item
    })
  } catch {
    // What was found is told; what its own code throws a second time has been thrown before.
  }
  return fault
}

function step(holder: Holder, key: string): string {
  if (Array.isArray(holder)) return `[${key}]`
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${stringify(key)}]`
}
