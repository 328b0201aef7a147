/** The cluster as a picture: computers, the nodes on them, and what each is doing. */
import type { JSX } from 'preact'
import { Panel } from '../parts/small.tsx'
import { nodes, status } from '../state/cluster.ts'
import { counted } from '../state/format.ts'
import { NodeCard } from './node-card.tsx'
import { sidesOf } from './sides.ts'

export function ClusterPicture(): JSX.Element {
  const groups = Map.groupBy(nodes.value, ({ computer }) => computer ?? 'not introduced yet')
  const sides = sidesOf(nodes.value, status.value?.quorum ?? false)
  return (
    <Panel title="Cluster" kind="cluster" aside={<Legend />}>
      {sides !== null && (
        <div class="sides" role="status">
          <b>Somebody is out of reach.</b>
          {sides.map(words => (
            <p key={words}>{words}</p>
          ))}
        </div>
      )}
      <div class="computers">
        {[...groups].map(([computer, members]) => (
          <section key={computer} class="computer" aria-label={computer}>
            <h3>
              {computer} <span class="muted">{counted(members.length, 'node')}</span>
            </h3>
            <ul class="nodes">
              {members.map(node => (
                <NodeCard key={node.name ?? node.id} node={node} />
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Panel>
  )
}

function Legend(): JSX.Element {
  return (
    <span class="muted small legend">
      <i class="slot is-busy" /> runs <i class="slot" /> free{' '}
      <span class="links-sample" aria-hidden="true">
        ●●●
      </span>{' '}
      found, connected, synced
    </span>
  )
}
