/** No session: what to do about it. */
import type { JSX } from 'preact'
import { Icon } from '../parts/icon.tsx'
import { Text } from '../parts/small.tsx'
import { sessionTrouble } from '../state/session.ts'

export function Closed(): JSX.Element {
  return (
    <main class="closed">
      <Icon name="brand" />
      <h1>This page needs a link</h1>
      <p>
        Press <kbd>Enter</kbd> where <code>hearsay dashboard</code> runs: it prints a new one. A
        link opens one page, within a minute; a reload of that page goes on without one.
      </p>
      {sessionTrouble.value !== null && (
        <p class="muted">
          <Text>{sessionTrouble.value}</Text>
        </p>
      )}
    </main>
  )
}
