/** A node in the picture of the cluster. */
import type { JSX } from 'preact'
import type { NodeView } from '../../../node/api/node-api.ts'
import { NodeStatusMark } from '../parts/mark.tsx'
import { count, duration, plain } from '../state/format.ts'
import { pathOfNode } from '../state/route.ts'
import { markOf, nodeName, pausedWords } from '../state/words.ts'
import { runningOn } from '../stream/spans.ts'
import { Links } from './links.tsx'
import { Slots } from './slots.tsx'

/** Above this the loop of a node is late enough to be worth a word. */
const LAG_MS_SHOWN = 1000

export function NodeCard({ node }: Readonly<{ node: NodeView }>): JSX.Element {
  const mark = markOf(node)
  const name = nodeName(node)
  const isThere = mark === 'alive' || mark === 'draining' || mark === 'paused' || mark === 'suspect'
  const paused = pausedWords(node)
  return (
    <li class={`node is-${mark}`}>
      <div class="node-head">
        {node.name === null ? <b>{name}</b> : <a href={pathOfNode(node.name)}>{node.instance}</a>}
        <NodeStatusMark mark={mark} />
      </div>
      {isThere && <Pools node={node} />}
      <div class="node-foot">
        <Links node={node} />
        <span class="muted">
          {isThere ? (
            <>
              {count(node.queued)} queued
              {node.loopLagMs >= LAG_MS_SHOWN && `, ${duration(node.loopLagMs)} late`}
            </>
          ) : (
            node.heartbeatAgeMs !== null && `heard ${duration(node.heartbeatAgeMs)} ago`
          )}
        </span>
      </div>
      {paused !== null && <p class="node-words">{paused}</p>}
    </li>
  )
}

function Pools({ node }: Readonly<{ node: NodeView }>): JSX.Element {
  const { pools } = node
  const runs = node.name === null ? [] : runningOn(node.name)
  return (
    <ul class="pools">
      {pools.map(pool => {
        const own =
          pools.length === 1 ? runs : runs.filter(run => (run.pool ?? 'default') === pool.name)
        return (
          <li key={pool.name}>
            {(pools.length > 1 || pool.external) && (
              <span class="pool-name" title={pool.types.map(plain).join(', ')}>
                {pool.name}
                {pool.external && ' (worker)'}
              </span>
            )}
            {pool.slots === 0 && pool.running === 0 ? (
              <span class="muted small">runs no tasks</span>
            ) : (
              <Slots slots={pool.slots} running={pool.running} runs={own} />
            )}
          </li>
        )
      })}
    </ul>
  )
}
