/** The command line that says the same as a task: to submit it again, elsewhere or otherwise. */
import { printable } from '../../../shared/printable.ts'
import type { TaskView } from '../../../node/api/node-api.ts'

/**
 * For a shell: in single quotes, in which nothing but the quote itself means anything. What a terminal would obey when it
 * is pasted is written as an escape, as bash and zsh read it.
 */
export function quoted(text: string): string {
  if (/^[\w./:=@%+-]+$/.test(text)) return text
  const inner = text.replaceAll("'", `'\\''`)
  if (printable(text) === text) return `'${inner}'`
  return `$'${printable(text.replaceAll('\\', '\\\\').replaceAll("'", "\\'"))}'`
}

export function commandOf(task: TaskView): string {
  const { type, payload, payloadBlob, priority, maxRetries, tags, labels, dependsOn } = task
  const words = ['hearsay', 'submit', quoted(type)]
  if (payloadBlob !== null) words.push(`@${task.id}-payload.json`)
  else if (payload !== null) words.push(quoted(printable(JSON.stringify(payload))))
  if (priority !== 5) words.push('--priority', String(priority))
  if (maxRetries !== 3) words.push('--max-retries', String(maxRetries))
  for (const tag of tags) words.push('--tag', quoted(tag))
  for (const [name, wanted] of Object.entries(labels.require)) {
    words.push(
      '--label',
      quoted(`${name}=${Array.isArray(wanted) ? wanted.join(',') : String(wanted)}`)
    )
  }
  for (const id of dependsOn) words.push('--depends-on', id)
  return words.join(' ')
}
