/** `hearsay label [NAME=VALUE...]`: what a node says of itself for tasks to choose by, while it runs. */
import type { Command } from '@commander-js/extra-typings'
import { InvalidOptionError } from '../../shared/errors.ts'
import { commas, repeatable } from '../repeatable.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openOwnClient } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'label',
    summary: 'give a node labels, take some away, or show them; until its next start',
    examples: ['hearsay label gpu=1 zone=b', 'hearsay label --remove gpu', 'hearsay label']
  })
    .argument('[name=value...]', 'labels, in place of those of these names')
    .addOption(
      repeatable('--remove <name>', 'the name of a label that it is to have no more', commas)
    )
    .action(async (pairs, { remove = [], json, ...where }) => {
      const { parseLabels } = await import('../node/config.ts')
      const given = parseLabels(pairs)
      const mixed = remove.find(name => name.includes('='))
      if (mixed !== undefined) {
        throw new InvalidOptionError(`--remove cannot be "${mixed}": give names, after the labels`)
      }
      const client = await openOwnClient(where)
      let node = (await client.nodes()).find(({ self }) => self)!
      if (pairs.length + remove.length > 0) {
        const kept = Object.entries(node.labels).filter(([name]) => !remove.includes(name))
        node = await client.setLabels({ ...Object.fromEntries(kept), ...given })
      }
      if (json) return terminal.json(node)
      const labels = Object.entries(node.labels).map(([name, value]) => `${name}=${value}`)
      return terminal.line(`${node.name} ${labels.join(' ') || 'has no labels'}`)
    })
}
