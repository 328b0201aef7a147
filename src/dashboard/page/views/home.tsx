/** Home: how the cluster is, at a look. */
import type { JSX } from 'preact'
import { ClusterPicture } from '../cluster/picture.tsx'
import { Ago, Loading, NodeLink, Panel, TaskLink, Text, TypeName } from '../parts/small.tsx'
import { Shape } from '../parts/mark.tsx'
import { Spark } from '../parts/spark.tsx'
import {
  counts,
  failures,
  findings,
  moves,
  nodes,
  rate,
  settledBySecond,
  status
} from '../state/cluster.ts'
import { count, counted } from '../state/format.ts'
import { TaskStream } from '../stream/stream.tsx'
import type { TaskState } from '../../../node/api/node-api.ts'
import { STATE_WORDS } from '../state/words.ts'

const SHOWN: readonly TaskState[] = [
  'running',
  'queued',
  'waiting',
  'delayed',
  'completed',
  'failed',
  'cancelled'
]
const FAILURES_SHOWN = 5
/** Heartbeats are a little behind: what is nearly full counts as full. */
const BUSY_PART = 0.8

export function Home(): JSX.Element {
  if (status.value === null) return <Loading what="the cluster" />
  return (
    <div class="home">
      <h1 class="unseen">Home</h1>
      <Counts />
      <ClusterPicture />
      <TaskStream />
      <div class="columns">
        <Diagnosis />
        <Failures />
      </div>
    </div>
  )
}

function Counts(): JSX.Element {
  const states = counts.value?.states ?? status.value!.tasks
  const { slots } = status.value!
  const { stolen, reclaimed, retried } = moves.value
  return (
    <ul class="counts" aria-label="tasks">
      {SHOWN.map(state => (
        <li key={state} class={states[state] === 0 ? 'is-none' : ''}>
          <a href={`/tasks?state=${state}`} title={STATE_WORDS[state]}>
            <span class={`mark of-${state}`}>
              <Shape of={state} />
              {state}
            </span>
            <b>{count(states[state])}</b>
            {state === 'running' && <small>of {counted(slots.total, 'slot')}</small>}
          </a>
        </li>
      ))}
      <li class="rate">
        <span class="mark">
          settled a second
          <Spark
            values={settledBySecond.value}
            label={`settled in each of the last ${settledBySecond.value.length} s`}
          />
        </span>
        <b>{rate.value < 10 ? rate.value.toFixed(1) : count(Math.round(rate.value))}</b>
        <small>
          {count(stolen)} stolen, {count(reclaimed)} reclaimed, {count(retried)} retried since this
          page was opened
        </small>
      </li>
    </ul>
  )
}

function Diagnosis(): JSX.Element {
  const words = sentences()
  return (
    <Panel title="Diagnosis" aside={<a href="/doctor">doctor</a>}>
      <ul class="sentences">
        {(findings.value ?? []).map(({ code, severity, what, cure }) => (
          <li key={code + what} class={`is-${severity}`}>
            <b>{severity}</b> <Text>{what}</Text>{' '}
            <span class="cure">
              <Text>{cure}</Text>
            </span>
          </li>
        ))}
        {words.map(sentence => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </Panel>
  )
}

/** What the numbers mean, where they mean something. */
function sentences(): string[] {
  const { quorum, members, submitters, slots, tasks } = status.value!
  const found: string[] = []
  const crashed = nodes.value.filter(({ status: one }) => one === 'crashed')
  if (crashed.length > 0) {
    found.push(
      `${crashed.map(({ name }) => name).join(', ')} crashed: what was held there goes to the others.`
    )
  }
  if (!quorum) {
    found.push('This node sees no majority: it goes on with what it holds, and takes over nothing.')
  }
  if (submitters.heldBackBy !== null) {
    const why = {
      disk: 'writes to its disk',
      copies: 'copies on other nodes',
      room: 'room for settled tasks'
    }
    found.push(
      `${counted(submitters.waiting, 'submission')} wait at this node for ${why[submitters.heldBackBy]}.`
    )
  }
  if (tasks.queued > 0 && slots.total > 0 && slots.running >= slots.total) {
    found.push(
      `All ${counted(slots.total, 'slot')} are busy, and ${counted(tasks.queued, 'task')} wait for one.`
    )
  } else if (tasks.queued > 0 && slots.running < slots.total * BUSY_PART) {
    found.push(
      `${counted(tasks.queued, 'task')} are queued while slots are free: open one to see why it waits.`
    )
  }
  if (found.length === 0 && findings.value?.length === 0) {
    found.push(
      `All is well: ${members.alive} of ${members.expected} members are alive, and ${members.synced} have all there is.`
    )
  }
  return found
}

function Failures(): JSX.Element {
  const shown = failures.value.slice(0, FAILURES_SHOWN)
  return (
    <Panel
      title="Last failures"
      aside={<a href="/tasks?state=failed&sort=-settledAt">all that failed</a>}
    >
      {shown.length === 0 ? (
        <p class="muted">Nothing has failed, as far as is remembered.</p>
      ) : (
        <ul class="failures">
          {shown.map(({ at, taskId, type, node, reason, message }) => (
            <li key={taskId}>
              <TaskLink id={taskId} /> <TypeName type={type} />
              <span class="muted">
                <Ago at={at} /> on <NodeLink name={node} />, {reason}
              </span>
              <p class="error-line">
                <Text>{message}</Text>
              </p>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
