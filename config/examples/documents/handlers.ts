/**
 * What the tasks of the pipeline do. Start a node with it, on as many computers as you like:
 *
 *   npx hearsay start --handlers config/examples/documents/handlers.ts
 */
import { NonRetryableError, RetryAfterError, type HandlerContext } from 'hearsay'

type Counted = { url: string; words: number }

/** Fetches a document and counts its words. Servers that are busy say when to come again. */
export async function countWords(
  { url }: { url: string },
  { signal, progress }: HandlerContext
): Promise<Counted> {
  const response = await fetch(url, { signal })
  if (response.status === 429) {
    // Uses no retry: the document is fine, we came too early.
    throw new RetryAfterError(Number(response.headers.get('retry-after') ?? 1) * 1000)
  }
  if (response.status === 404) throw new NonRetryableError(`there is no ${url}`)
  if (!response.ok) throw new Error(`${url} answers with ${response.status}`)
  progress(0.5, 'fetched')
  const text = await response.text()
  return { url, words: text.split(/\s+/).filter(Boolean).length }
}

/** Merges what has been counted. Results of dependencies are given by id; of those that failed it is null. */
export function merge(_: null, { dependencies }: HandlerContext): Counted[] {
  const counted = (Object.values(dependencies) as (Counted | null)[]).filter(one => one !== null)
  return counted.toSorted((a, b) => b.words - a.words)
}

/** Writes the report. */
export function report({ title }: { title: string }, { dependencies }: HandlerContext): string {
  const counted = Object.values(dependencies).flat() as Counted[]
  const lines = counted.map(({ url, words }) => `${String(words).padStart(6)}  ${url}`)
  return [title, ...lines].join('\n')
}
