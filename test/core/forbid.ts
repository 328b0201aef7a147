/**
 * Takes clocks and dice away from the core: importing this file makes `Date`, `Math.random` and `performance.now` throw
 * when code of src/core, src/wire or src/sim calls them. A hidden clock would make a seed replay differently.
 *
 * Only the caller decides, because the test runner and fast-check read the clock for their own purposes.
 */
const PURE = /\/src\/(core|wire|sim)\//

/** @throws Error if the function that called the guarded one lies in a pure room */
function check(what: string): void {
  const lines = (new Error().stack ?? '').split('\n')
  // Line 0 is the message; then come this function, the guard, and whoever called the guard.
  const caller = lines[3] ?? ''
  if (PURE.test(caller)) throw new Error(`${what} was called by the core:${caller}`)
}

const { random } = Math
Math.random = () => {
  check('Math.random')
  return random()
}

const now = performance.now.bind(performance)
performance.now = () => {
  check('performance.now')
  return now()
}

const readClock = Date.now
const guardedClock = (): number => {
  check('Date.now')
  return readClock()
}

globalThis.Date = new Proxy(Date, {
  get: (target, key) => (key === 'now' ? guardedClock : Reflect.get(target, key)),
  construct: (target, given, newTarget) => {
    if (given.length === 0) check('new Date()')
    return Reflect.construct(target, given, newTarget) as object
  },
  apply: () => {
    check('Date()')
    return new Date().toString()
  }
})
