/** Numbers on the command line. */
import { InvalidArgumentError } from '@commander-js/extra-typings'

/** A whole number from 0; what else it has to be is checked where it is used. */
export function parseNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It has to be a whole number.')
}

/** A whole number from 1. */
export function parseCount(text: string): number {
  const count = parseNumber(text)
  if (count > 0) return count
  throw new InvalidArgumentError('It has to be at least 1.')
}
