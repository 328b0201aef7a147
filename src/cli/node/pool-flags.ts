/** Pools as they stand on the command line: `model:slots=1,type=embed,type=rank,label=gpu=1`. */
import type { PoolOptions } from '../../pool-options.ts'
import { InvalidOptionError } from '../../shared/errors.ts'

const EXAMPLE = 'model:slots=1,type=embed,label=gpu=1'

/** @throws InvalidOptionError if it is no pool; whether it can be one is checked where all options are */
export function parsePool(text: string): PoolOptions {
  const colon = text.indexOf(':')
  if (colon < 1) throw refusal(text, `it is NAME:slots=N,type=TYPE,..., such as ${EXAMPLE}`)
  const types: string[] = []
  const labels: Record<string, string> = {}
  let slots: number | undefined
  for (const part of text.slice(colon + 1).split(',')) {
    const [key, value] = pairOf(part, text)
    if (key === 'type') types.push(value)
    else if (key === 'label') {
      const [label, of] = pairOf(value, text)
      if (Object.hasOwn(labels, label)) throw refusal(text, `it has the label ${label} twice`)
      labels[label] = of
    } else if (key !== 'slots') {
      throw refusal(text, `it has slots, type and label, and no ${key}: such as ${EXAMPLE}`)
    } else if (slots !== undefined) throw refusal(text, 'it says twice how many slots it has')
    else if (/^\d+$/.test(value)) slots = Number(value)
    else throw refusal(text, `slots is a whole number, not ${value}`)
  }
  if (slots === undefined) throw refusal(text, `it has to say how many slots it has: ${EXAMPLE}`)
  return { name: text.slice(0, colon), slots, types, labels }
}

function pairOf(part: string, text: string): [string, string] {
  const equals = part.indexOf('=')
  if (equals > 0) return [part.slice(0, equals), part.slice(equals + 1)]
  throw refusal(text, `"${part}" is no name=value: such as ${EXAMPLE}`)
}

function refusal(text: string, why: string): InvalidOptionError {
  return new InvalidOptionError(`pool cannot be "${text}": ${why}`)
}
