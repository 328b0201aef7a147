/** What somebody may have meant who misspelt a name. */
import { closest } from 'fastest-levenshtein'

/** The shortest name that begins with what was given, else the one that is the fewest letters away. */
export function nearestName(given: string, names: Iterable<string>): string {
  const all = [...names]
  const longer = given === '' ? [] : all.filter(name => name.startsWith(given))
  return longer.sort((x, y) => x.length - y.length)[0] ?? closest(given, all)
}
