/**
 * Flags that may be given several times, with one value each. A flag that took as many words as there are would take
 * the operands of its verb, too: `submit --tag t TYPE`.
 */
import { Option } from '@commander-js/extra-typings'

const REPEATABLE = new WeakSet<object>()

/** A flag whose values come as a list, in their order. */
export function repeatable<Flags extends string>(
  flags: Flags,
  description: string,
  parse: (text: string) => readonly string[] = text => [text]
): Option<Flags, undefined, undefined, string[]> {
  return repeatableOption(flags, description).argParser<string[]>((text, before) => [
    // There is none before the first.
    ...((before as string[] | undefined) ?? []),
    ...parse(text)
  ])
}

/** The same, to be given a parser of its own, which is handed what the values before have come to. */
export function repeatableOption<Flags extends string>(
  flags: Flags,
  description: string
): Option<Flags> {
  const option = new Option(flags, `${description}; repeatable`)
  REPEATABLE.add(option)
  return option
}

/** For values that hold no commas: several may also be written as one word. */
export function commas(text: string): readonly string[] {
  return text.split(',')
}

export function isRepeatable(option: object): boolean {
  return REPEATABLE.has(option)
}
