/** `hearsay metrics`: what a node has measured, for Prometheus and for people with grep. */
import type { Command } from '@commander-js/extra-typings'
import { printableLines } from '../../shared/printable.ts'
import { isTerminal, type Terminal } from '../terminal.ts'
import { clientVerb, openOwnClient } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'metrics',
    summary: 'print what a node has counted and measured, as Prometheus reads it',
    examples: ['hearsay metrics', 'hearsay metrics | grep hearsay_steals_total']
  }).action(async options => {
    const client = await openOwnClient(options)
    const text = await client.metrics()
    if (options.json) await terminal.json({ v: 1, text })
    else
      await terminal.line(
        isTerminal(terminal.stdout) ? printableLines(text.trimEnd()) : text.trimEnd()
      )
  })
}
