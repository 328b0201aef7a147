/** A payload or a result: on demand, as text; what is large as a file. */
import type { JSX } from 'preact'
import { useSignal, type Signal } from '@preact/signals'
import type { BlobRef, Json, TaskView } from '../../../node/api/node-api.ts'
import { Copy, Panel, Text, Trouble } from '../parts/small.tsx'
import { getText, post } from '../state/api.ts'
import { bytes } from '../state/format.ts'
import { sayTrouble } from '../state/notes.ts'
import { printable } from '../../../shared/printable.ts'

/** More than this is for a program, and slows a page down. */
const SHOWN_BYTES_MAX = 65_536

type Props = Readonly<{ task: TaskView; part: 'payload' | 'result' }>

export function Content({ task, part }: Props): JSX.Element {
  const blob = part === 'payload' ? task.payloadBlob : task.resultBlob
  const value = task[part]
  const shown = useSignal<string | null>(null)
  const trouble = useSignal<string | null>(null)
  const title = part === 'payload' ? 'Payload' : 'Result'
  if (part === 'result' && task.state !== 'completed') return <></>
  const size = blob?.bytes ?? new Blob([JSON.stringify(value)]).size
  return (
    <Panel
      title={title}
      aside={
        <div class="tools">
          <span class="muted small">{bytes(size)}</span>
          {shown.value !== null && <Copy text={shown.value} label="copy" />}
          <button type="button" class="quiet" onClick={() => void download(task.id, part)}>
            download
          </button>
        </div>
      }
    >
      {trouble.value !== null && <Trouble words={trouble.value} />}
      {shown.value === null ? (
        <Closed size={size} onOpen={() => void open(value, blob, shown, trouble)} />
      ) : (
        <pre class="content" tabIndex={0} aria-label={title}>
          {shown.value.split('\n').map(printable).join('\n')}
        </pre>
      )}
    </Panel>
  )
}

function Closed({ size, onOpen }: Readonly<{ size: number; onOpen: () => void }>): JSX.Element {
  if (size > SHOWN_BYTES_MAX) {
    return <p class="muted">It is more than {bytes(SHOWN_BYTES_MAX)}: download it to look at it.</p>
  }
  return (
    <button type="button" onClick={onOpen}>
      Show it
    </button>
  )
}

async function open(
  value: Json,
  blob: BlobRef | null,
  shown: Signal<string | null>,
  trouble: Signal<string | null>
): Promise<void> {
  try {
    const read =
      blob === null
        ? value
        : (JSON.parse(await getText(`/v1/blobs/${blob.hash}`, { bytes: blob.bytes })) as Json)
    shown.value = typeof read === 'string' ? read : JSON.stringify(read, null, 2)
  } catch (error) {
    trouble.value = (error as Error).message
  }
}

/** By a path that is good once: the browser saves it without a token. */
async function download(task: string, part: string): Promise<void> {
  try {
    const { path } = await post<{ path: string }>('/downloads', { task, part })
    const link = document.createElement('a')
    link.href = path
    link.download = ''
    document.body.append(link)
    link.click()
    link.remove()
  } catch (error) {
    sayTrouble(error)
  }
}

/** The error of the last attempt that failed. */
export function ErrorPanel({
  error
}: Readonly<{ error: NonNullable<TaskView['error']> }>): JSX.Element {
  return (
    <Panel title="Error" kind="is-error">
      <p>
        <b>
          <Text>{error.name}</Text>
        </b>
      </p>
      <pre class="content" tabIndex={0} aria-label="message">
        {error.message.split('\n').map(printable).join('\n')}
      </pre>
      {error.stack !== undefined && (
        <details>
          <summary>stack</summary>
          <pre class="content" tabIndex={0} aria-label="stack">
            {error.stack.split('\n').map(printable).join('\n')}
          </pre>
        </details>
      )}
    </Panel>
  )
}
