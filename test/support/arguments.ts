/** What a script that people run by hand was asked for. `--help` is an answer, and a mistake is a line: no stack trace. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

type Given<O extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: O; allowPositionals: true }>
>

/**
 * What the command line asks for.
 *
 * @param usage printed on `--help`, and after what is wrong
 * @param read makes sense of it; null if there is none
 * @returns null if there is nothing to do; the exit code is set
 */
export function argumentsOf<const O extends ParseArgsOptionsConfig, T>(
  usage: string,
  options: O,
  read: (given: Given<O>) => T | null
): T | null {
  const args = process.argv.slice(2)
  if (args.some(word => word === '--help' || word === '-h')) {
    console.log(usage)
    return null
  }
  try {
    const asked = read(parseArgs({ args, options, allowPositionals: true }))
    if (asked !== null) return asked
  } catch (error) {
    console.error((error as Error).message.split('. ')[0])
  }
  console.error(usage)
  process.exitCode = 2
  return null
}
