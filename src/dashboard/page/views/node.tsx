/** One node: its pools, how it is, what it runs, and what may be done with it. */
import type { ComponentChildren, JSX } from 'preact'
import { useSignal, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { NodeView } from '../../../node/api/node-api.ts'
import { Links } from '../cluster/links.tsx'
import { Slots } from '../cluster/slots.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { NodeStatusMark } from '../parts/mark.tsx'
import { Copy, Loading, Panel, Since, TaskLink, Text, Trouble, TypeName } from '../parts/small.tsx'
import { drainNode, forgetNode, leaveNode, mayChange } from '../state/actions.ts'
import { list } from '../state/api.ts'
import { link, nodes, onTasks, status } from '../state/cluster.ts'
import type { TaskRow } from '../state/contract.ts'
import { count, duration } from '../state/format.ts'
import { markOf, NODE_WORDS, pausedWords } from '../state/words.ts'
import { runningOn } from '../stream/spans.ts'

export function NodeDetails({ name }: Readonly<{ name: string }>): JSX.Element {
  const node = nodes.value.find(one => one.name === name)
  if (node === undefined) {
    if (link.value.state === 'opening') return <Loading what="the node" />
    return <Trouble words={`No node is called ${name}, as far as this one knows.`} />
  }
  const mark = markOf(node)
  return (
    <article class="node-page">
      <header class="task-head">
        <div>
          <h1>{name}</h1>
          <p class="muted">{pausedWords(node) ?? NODE_WORDS[mark]}</p>
        </div>
        <NodeStatusMark mark={mark} />
        {mayChange() && <Actions node={node} />}
      </header>
      <div class="columns">
        <Pools node={node} />
        <Facts node={node} />
      </div>
      <Runs name={name} />
    </article>
  )
}

function Pools({ node }: Readonly<{ node: NodeView }>): JSX.Element {
  const runs = runningOn(node.name ?? '')
  const { pools } = node
  return (
    <Panel title="Pools">
      <ul class="pool-list">
        {pools.map(({ name, slots, running, types, labels, external }) => (
          <li key={name}>
            <h3>
              {name} {external && <span class="tag">worker outside</span>}
            </h3>
            <Slots
              slots={slots}
              running={running}
              runs={pools.length === 1 ? runs : runs.filter(({ pool }) => pool === name)}
            />
            <p>
              {types.length === 0 && <span class="muted">runs no type of tasks</span>}
              {types.map(type => (
                <TypeName key={type} type={type} />
              ))}
            </p>
            {Object.keys(labels).length > 0 && (
              <p class="muted">
                <Text>
                  {Object.entries(labels)
                    .map(pair => pair.join('='))
                    .join(', ')}
                </Text>
              </p>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function Facts({ node }: Readonly<{ node: NodeView }>): JSX.Element {
  const labels = Object.entries(node.labels)
    .map(pair => pair.join('='))
    .join(', ')
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    ['Link', <Links key="link" node={node} words />],
    ['Slots', `${node.running} of ${node.slots} run, ${count(node.queued)} queued`],
    [
      'Event loop',
      node.loopLagMs === 0 ? 'on time' : `${duration(node.loopLagMs)} late at worst, lately`
    ],
    [
      'Heard',
      node.self || node.heartbeatAgeMs === null
        ? ''
        : `${duration(node.heartbeatAgeMs)} before the last change here`
    ],
    ['Labels', labels === '' ? '' : <Text key="labels">{labels}</Text>],
    ['Version', node.version ?? 'not known'],
    ['Boot', node.boot === null ? '' : <code key="boot">{node.boot.slice(-24)}</code>],
    ['Id', node.id === null ? '' : <Id key="id" id={node.id} />],
    [
      'Addresses',
      node.addresses.length === 0 ? '' : <Addresses key="addresses" all={node.addresses} />
    ]
  ]
  return (
    <Panel title="Facts">
      <dl class="facts">
        {facts
          .filter(([, value]) => value !== '')
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </Panel>
  )
}

function Id({ id }: Readonly<{ id: string }>): JSX.Element {
  return (
    <>
      <code title={id}>…{id.slice(-12)}</code> <Copy text={id} label="copy" />
    </>
  )
}

function Addresses({ all }: Readonly<{ all: readonly string[] }>): JSX.Element {
  return (
    <ul class="plain">
      {all.map(address => (
        <li key={address}>
          <code>
            <Text>{address}</Text>
          </code>
        </li>
      ))}
    </ul>
  )
}

const RUNS_SHOWN = 50
const RUNS_MS = 1000

function Runs({ name }: Readonly<{ name: string }>): JSX.Element {
  const runs = useSignal<readonly TaskRow[] | null>(null)
  useEffect(() => followRuns(name, runs), [name])
  if (runs.value === null) return <Loading what="what it runs" />
  return (
    <Panel
      title="Runs now"
      aside={<a href={`/tasks?node=${encodeURIComponent(name)}`}>all tasks that it holds</a>}
    >
      {runs.value.length === 0 && <p class="muted">Nothing.</p>}
      <ul class="runs">
        {runs.value.map(({ id, type, attempt, startedAt, progress }) => (
          <li key={id}>
            <TaskLink id={id} /> <TypeName type={type} />{' '}
            <span class="muted">
              attempt {attempt}
              {startedAt !== null && ', for '}
              {startedAt !== null && <Since at={startedAt} />}
              {progress !== null && `, ${Math.round(progress.fraction * 100)} %`}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

/** Asks what a node runs, and again when tasks change. Returns how to stop it. */
function followRuns(node: string, runs: Signal<readonly TaskRow[] | null>): () => void {
  const gone = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const ask = async (): Promise<void> => {
    timer = undefined
    const query = { state: 'running', node, limit: RUNS_SHOWN, fields: 'brief' }
    const told = await list<TaskRow | { matched: number }>('/v1/tasks', query, gone.signal)
    runs.value = told.filter(line => 'id' in line)
  }
  const again = (): void => {
    timer ??= setTimeout(() => void ask().catch(() => {}), RUNS_MS)
  }
  const stop = onTasks(again)
  void ask().catch(() => {})
  return () => {
    gone.abort()
    clearTimeout(timer)
    stop()
  }
}

type Deed = 'drain' | 'leave' | 'forget'

const DEEDS: Readonly<Record<Deed, { words: string; act: (name: string) => Promise<void> }>> = {
  drain: {
    words:
      'It takes nothing more, and hands on what it holds. What runs goes on to its end. A start anew ends it.',
    act: drainNode
  },
  leave: {
    words: 'It drains, says goodbye and stops. This page asks by way of it, and will be cut off.',
    act: leaveNode
  },
  forget: {
    words:
      'It counts no more, neither as a member nor as expected, and what it held is taken over. If it comes back it joins anew.',
    act: forgetNode
  }
}

function Actions({ node }: Readonly<{ node: NodeView }>): JSX.Element {
  const asked = useSignal<Deed | null>(null)
  const name = node.name!
  const mark = markOf(node)
  const deeds: Deed[] = []
  if (mark === 'alive') deeds.push('drain')
  if (node.self && status.value !== null) deeds.push('leave')
  if (!node.connected && !node.self) deeds.push('forget')
  const close = (): void => void (asked.value = null)
  return (
    <div class="tools">
      {deeds.map(deed => (
        <button key={deed} type="button" onClick={() => (asked.value = deed)}>
          {deed} …
        </button>
      ))}
      {asked.value !== null && (
        <Dialog title={`${asked.value} ${name}`} onClose={close}>
          <p>{DEEDS[asked.value].words}</p>
          <form method="dialog" class="tools">
            <button
              type="submit"
              class="primary"
              onClick={() => void DEEDS[asked.value!].act(name)}
            >
              {asked.value} {name}
            </button>
            <button type="submit">Leave it as it is</button>
          </form>
        </Dialog>
      )}
    </div>
  )
}
