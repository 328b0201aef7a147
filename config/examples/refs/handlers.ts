/**
 * What the tasks of the file do:
 *
 *   npx hearsay start --handlers config/examples/refs/handlers.ts
 */
import type { HandlerContext } from 'hearsay'

export function translate({ text }: { text: string }): string {
  return text.toUpperCase()
}

export function bind(_: null, { dependencies }: HandlerContext): string {
  return Object.values(dependencies).join(' ')
}
