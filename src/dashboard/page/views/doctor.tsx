/** What is wrong, and what helps: `hearsay doctor` in the page. */
import type { JSX } from 'preact'
import { useSignal, type Signal } from '@preact/signals'
import type { Finding } from '../../../doctor/finding.ts'
import { Loading, Panel, Text, Trouble } from '../parts/small.tsx'
import { post } from '../state/api.ts'
import { findings } from '../state/cluster.ts'
import { counted } from '../state/format.ts'

type Examined = Readonly<{ heard: number | null; findings: readonly Finding[] }>
type Stage = 'idle' | 'looking' | Examined | Error

export function DoctorView(): JSX.Element {
  const stage = useSignal<Stage>('idle')
  const { value } = stage
  const shown =
    value instanceof Error || typeof value === 'string' ? findings.value : value.findings
  return (
    <>
      <h1 class="unseen">Doctor</h1>
      <Panel
        title="Doctor"
        aside={
          <button type="button" disabled={value === 'looking'} onClick={() => void look(stage)}>
            Look at the network, too
          </button>
        }
      >
        {value === 'looking' && <Loading what="what is heard on the network: some seconds" />}
        {value instanceof Error && <Trouble words={value.message} />}
        <div aria-live="polite">
          {shown === null ? (
            <Loading what="what the node says of itself" />
          ) : (
            <Findings all={shown} />
          )}
          <p class="muted">{wordsOf(value)}</p>
        </div>
      </Panel>
    </>
  )
}

function Findings({ all }: Readonly<{ all: readonly Finding[] }>): JSX.Element {
  if (all.length === 0)
    return <p class="all-well">Nothing is wrong, as far as can be seen from here.</p>
  return (
    <ul class="findings">
      {all.map(({ code, severity, what, cure }) => (
        <li key={code + what} class={`is-${severity}`}>
          <p>
            <b>{severity}</b> <code>{code}</code>
          </p>
          <p>
            <Text>{what}</Text>
          </p>
          <p class="cure">
            <b>What helps:</b> <Text>{cure}</Text>
          </p>
        </li>
      ))}
    </ul>
  )
}

function wordsOf(stage: Stage): string {
  if (typeof stage === 'string' || stage instanceof Error) {
    return 'This is what the node knows by itself, asked anew every few seconds.'
  }
  const { heard } = stage
  if (heard === null)
    return 'The node does not look for others by mDNS, so the network was not listened to.'
  return `${counted(heard, 'other node')} of the cluster heard by mDNS.`
}

async function look(stage: Signal<Stage>): Promise<void> {
  stage.value = 'looking'
  try {
    stage.value = await post<Examined>('/findings')
  } catch (error) {
    stage.value = error as Error
  }
}
