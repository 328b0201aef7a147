/** All members, and those that are expected, as a table. */
import type { JSX } from 'preact'
import { Links } from '../cluster/links.tsx'
import { Slots } from '../cluster/slots.tsx'
import { NodeStatusMark } from '../parts/mark.tsx'
import { Loading, NodeLink, Panel, Text } from '../parts/small.tsx'
import { nodes } from '../state/cluster.ts'
import { count, counted, duration } from '../state/format.ts'
import { markOf, nodeName } from '../state/words.ts'
import { runningOn } from '../stream/spans.ts'
import type { NodeView } from '../../../node/api/node-api.ts'

export function NodesView(): JSX.Element {
  const versions = new Set(nodes.value.flatMap(({ version }) => version ?? []))
  if (nodes.value.length === 0) return <Loading what="nodes" />
  return (
    <>
      <h1 class="unseen">Nodes</h1>
      <Panel title="Nodes" aside={<span class="muted">{counted(nodes.value.length, 'node')}</span>}>
        {versions.size > 1 && (
          <p class="muted">
            Several versions work together: {[...versions].toSorted().join(', ')}.
          </p>
        )}
        <table class="stacks">
          <thead>
            <tr>
              <th>Node</th>
              <th>Status</th>
              <th>Link</th>
              <th>Slots</th>
              <th class="number">Queued</th>
              <th class="number">Lag</th>
              <th>Runs</th>
              <th>Version</th>
            </tr>
          </thead>
          <tbody>
            {nodes.value.map(node => (
              <NodeRow key={node.name ?? node.id} node={node} />
            ))}
          </tbody>
        </table>
      </Panel>
    </>
  )
}

function NodeRow({ node }: Readonly<{ node: NodeView }>): JSX.Element {
  const mark = markOf(node)
  const runs = node.name === null ? [] : runningOn(node.name)
  return (
    <tr class={`is-${mark}`}>
      <th scope="row">{node.name === null ? nodeName(node) : <NodeLink name={node.name} />}</th>
      <td data-name="Status">
        <NodeStatusMark mark={mark} />
      </td>
      <td data-name="Link">
        <Links node={node} words />
      </td>
      <td data-name="Slots">
        {mark === 'crashed' || mark === 'left' || mark === 'unseen'
          ? ''
          : node.pools.map(pool => (
              <Slots
                key={pool.name}
                slots={pool.slots}
                running={pool.running}
                runs={runs.filter(run => node.pools.length === 1 || run.pool === pool.name)}
              />
            ))}
      </td>
      <td data-name="Queued" class="number">
        {count(node.queued)}
      </td>
      <td data-name="Lag" class="number">
        {duration(node.loopLagMs)}
      </td>
      <td data-name="Runs" class="handlers">
        <Text>{node.handlers.join(', ')}</Text>
      </td>
      <td data-name="Version">{node.version ?? ''}</td>
    </tr>
  )
}
