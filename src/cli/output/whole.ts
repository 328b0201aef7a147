/**
 * A task as `--json` prints it: with its payload and result also where these are too large for the node to hand out
 * with the task. Their text goes to the output as it came, without being parsed.
 */
import type { Client } from '../../api/client.ts'
import type { BlobRef, TaskView } from '../../node/api/node-api.ts'

/**
 * @param task may have more fields than a task: they are printed as they are
 * @throws BlobUnavailableError NoNodeError
 */
export async function wholeTask(
  client: Client,
  task: Pick<TaskView, 'payloadBlob' | 'resultBlob'>
): Promise<string> {
  if (task.payloadBlob === null && task.resultBlob === null) return JSON.stringify(task)
  const text = (blob: BlobRef | null): Promise<string> | null =>
    blob === null ? null : client.blob(blob)
  const whole = {
    payload: await text(task.payloadBlob),
    result: await text(task.resultBlob)
  }
  const fields = Object.entries(task).map(([name, value]) => {
    const json = whole[name as keyof typeof whole] ?? JSON.stringify(value)
    return `${JSON.stringify(name)}:${json}`
  })
  return `{${fields.join(',')}}`
}
