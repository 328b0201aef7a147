/** Counts what a piece of work does, where a clock would only say how busy the computer is. */

/** How many items lists were made anew of while `run` ran, by the methods that copy a list to change it. */
export function itemsCopied(run: () => void): number {
  const prototype = Array.prototype as unknown as Record<string, (...given: unknown[]) => unknown>
  const names = ['toSpliced', 'concat', 'slice', 'toSorted', 'filter', 'map'] as const
  const originals = names.map(name => [name, prototype[name]!] as const)
  let items = 0
  for (const [name, original] of originals) {
    prototype[name] = function (this: unknown[], ...given) {
      items += this.length
      return original.apply(this, given)
    }
  }
  try {
    run()
  } finally {
    for (const [name, original] of originals) prototype[name] = original
  }
  return items
}

/** How often a method of a class is called while `run` runs. */
export function callsOf(prototype: object, name: string, run: () => void): number {
  const methods = prototype as Record<string, (...given: unknown[]) => unknown>
  const original = methods[name]!
  let calls = 0
  methods[name] = function (this: unknown, ...given) {
    calls++
    return original.apply(this, given)
  }
  try {
    run()
  } finally {
    methods[name] = original
  }
  return calls
}
