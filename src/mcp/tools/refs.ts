/** Tasks that depend on each other by name, in an order in which each can be submitted. */
import { InvalidOptionError } from '../../shared/errors.ts'

type Named = Readonly<{ ref?: string | undefined; dependsOn?: readonly string[] | undefined }>

/**
 * Places in the list, in waves: those of one wave depend on earlier waves alone.
 *
 * @throws InvalidOptionError a name that two have or that none has, a circle, or an id that is the name of a task here
 */
export function inOrder(tasks: readonly Named[]): number[][] {
  const places = placesOf(tasks)
  const needs = tasks.map((task, index) => needsOf(task, index, places))
  const isDone = tasks.map(() => false)
  const waves: number[][] = []
  for (let open = tasks.length; open > 0;) {
    const wave = tasks
      .map((_, index) => index)
      .filter(index => !isDone[index] && needs[index]!.every(need => isDone[need]))
    if (wave.length === 0) {
      const circle = tasks.filter((_, index) => !isDone[index]).map(({ ref }) => ref)
      throw new InvalidOptionError(
        `these tasks depend on each other in a circle: ${circle.join(', ')}`
      )
    }
    for (const index of wave) isDone[index] = true
    waves.push(wave)
    open -= wave.length
  }
  return waves
}

function placesOf(tasks: readonly Named[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const [index, { ref }] of tasks.entries()) {
    if (ref === undefined) continue
    const other = places.get(ref)
    if (other !== undefined) {
      throw new InvalidOptionError(
        `tasks ${other} and ${index} have the same ref "${ref}": give each its own`
      )
    }
    places.set(ref, index)
  }
  return places
}

function needsOf(
  { dependsOn = [] }: Named,
  index: number,
  places: ReadonlyMap<string, number>
): number[] {
  return dependsOn.flatMap(id => {
    if (!id.startsWith('ref:')) {
      if (!places.has(id)) return []
      throw new InvalidOptionError(
        `task ${index} depends on "${id}", which is a ref here: write "ref:${id}"`
      )
    }
    const place = places.get(id.slice(4))
    if (place !== undefined) return [place]
    const known = [...places.keys()]
    const hint = known.length === 0 ? 'no task here has a ref' : `refs here are ${known.join(', ')}`
    throw new InvalidOptionError(`task ${index} depends on "${id}", which no task here is: ${hint}`)
  })
}
