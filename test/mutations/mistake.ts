/**
 * Mistakes to plant, one at a time, to see whether any test notices: `npm run soak -- mutants [NAME...]`. Where none does,
 * a test is missing. A row goes with every rule that would be broken in silence.
 */

/**
 * Its name, a file below src, what stands there exactly once, what is put in its place, and what that means; and the test
 * files that should notice, if it is not the core's and the simulator's.
 */
export type Mistake = readonly [
  name: string,
  file: string,
  find: string,
  replace: string,
  is: string,
  tests?: readonly string[]
]
