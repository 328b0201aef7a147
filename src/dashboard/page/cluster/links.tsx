/** Found, connected, synced: three facts about a peer, and shown as three. */
import type { JSX } from 'preact'
import type { NodeView } from '../../../node/api/node-api.ts'

const FACTS = [
  ['found', 'an address of it is known'],
  ['connected', 'there is a link in both directions'],
  ['synced', 'it has all that this node has, and the other way round']
] as const

/** @param words whether the words are seen, or for screen readers and hovers only */
export function Links({
  node,
  words = false
}: Readonly<{ node: NodeView; words?: boolean }>): JSX.Element {
  if (node.self) return <span class="links is-self">this node</span>
  return (
    <ul class={words ? 'links has-words' : 'links'} aria-label="link">
      {FACTS.map(([fact, meaning]) => {
        const holds = node[fact]
        return (
          <li
            key={fact}
            class={holds ? 'holds' : 'fails'}
            title={`${holds ? '' : 'not '}${fact}: ${meaning}`}
          >
            <span class={words ? '' : 'unseen'}>{holds ? fact : `not ${fact}`}</span>
          </li>
        )
      })}
    </ul>
  )
}
