/**
 * Reads the handlers out of a loaded module: every named export that is a function handles the type of its name, and
 * the functions of a default export object handle the types that are no identifiers. Used inside worker threads only:
 * what a user's file does while it is loaded must not happen on the node's own thread.
 */
import { pathToFileURL } from 'node:url'
import type { Handler } from '../../ports/handler.ts'

export type LoadedHandlers = Readonly<{
  byType: ReadonlyMap<string, Handler>
  /** A default export that is itself a function: it has no type of its own, but may be registered for one. */
  single: Handler | null
}>

/** Node adds this name to what it imports from a CommonJS file. */
const COMMONJS_EXPORT = 'module.exports'

/** @throws what the file throws, and an Error if it names one type twice */
export async function loadHandlers(file: string): Promise<LoadedHandlers> {
  const members: Record<string, unknown> = await import(pathToFileURL(file).href)
  const byType = new Map<string, Handler>()
  const add = (type: string, value: unknown): void => {
    if (!isFunction(value)) return
    const known = byType.get(type)
    if (known !== undefined && known !== value) throw new Error(`it has two handlers for ${type}`)
    byType.set(type, value)
  }
  for (const [name, value] of Object.entries(members)) {
    if (name !== 'default' && name !== COMMONJS_EXPORT) add(name, value)
  }
  const standard = members['default']
  if (typeof standard === 'object' && standard !== null) {
    for (const [type, value] of Object.entries(standard)) add(type, value)
  }
  return { byType, single: isFunction(standard) ? standard : null }
}

function isFunction(value: unknown): value is Handler {
  return typeof value === 'function'
}
