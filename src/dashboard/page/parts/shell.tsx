/** What stands around each view: where one is, how fresh it all is, and what has come of the last action. */
import type { ComponentChildren, JSX } from 'preact'
import { asked, findings, link, nodes, status } from '../state/cluster.ts'
import { count, counted, localTime, utc } from '../state/format.ts'
import { isHelpOpen } from '../state/keys.ts'
import { dismiss, notes } from '../state/notes.ts'
import { nextTheme, theme } from '../state/preferences.ts'
import { pathOfNode, route, type View } from '../state/route.ts'
import { Help } from './help.tsx'
import { Icon, type IconName } from './icon.tsx'
import { Text } from './small.tsx'

type Place = Readonly<{ href: string; words: string; icon: IconName; views: readonly View[] }>

const PLACES: readonly Place[] = [
  { href: '/', words: 'Home', icon: 'home', views: ['home'] },
  { href: '/tasks', words: 'Tasks', icon: 'tasks', views: ['tasks', 'task', 'graph', 'submit'] },
  { href: '/nodes', words: 'Nodes', icon: 'nodes', views: ['nodes', 'node'] },
  { href: '/events', words: 'Events', icon: 'events', views: ['events'] },
  { href: '/doctor', words: 'Doctor', icon: 'doctor', views: ['doctor'] }
]

export function Shell({ children }: Readonly<{ children: ComponentChildren }>): JSX.Element {
  const isStale = link.value.state === 'cut'
  return (
    <>
      <a class="skip" href="#main">
        to the content
      </a>
      <header class="top">
        <a class="brand" href="/">
          <Icon name="brand" />
          hearsay
          {status.value !== null && <span class="cluster-name">{status.value.cluster}</span>}
        </a>
        <Places />
        <div class="top-end">
          <Freshness />
          <button
            type="button"
            class="quiet"
            onClick={nextTheme}
            title="light, dark, or as the system has it"
            aria-label={`colours: ${theme.value}`}
          >
            <Icon name={theme.value} />
          </button>
          <button
            type="button"
            class="quiet wide"
            onClick={() => (isHelpOpen.value = true)}
            aria-label="keys"
          >
            <kbd>?</kbd>
          </button>
        </div>
      </header>
      {isStale && <Cut />}
      <main id="main" tabIndex={-1} class={isStale ? 'stale' : ''}>
        {children}
      </main>
      <Notes />
      <Help />
    </>
  )
}

function Places(): JSX.Element {
  const { view } = route.value
  return (
    <nav class="places" aria-label="Views">
      {PLACES.map(({ href, words, icon, views }) => (
        <a key={href} href={href} aria-current={views.includes(view) ? 'page' : undefined}>
          <Icon name={icon} />
          <span>{words}</span>
          <Badge of={words} />
        </a>
      ))}
    </nav>
  )
}

function Badge({ of }: Readonly<{ of: string }>): JSX.Element | null {
  const failed = status.value?.tasks.failed ?? 0
  const gone = nodes.value.filter(
    ({ status }) => status === 'crashed' || status === 'unreachable'
  ).length
  const faults = findings.value?.length ?? 0
  const [number, words] =
    of === 'Tasks'
      ? [failed, 'failed']
      : of === 'Nodes'
        ? [gone, 'gone or out of reach']
        : of === 'Doctor'
          ? [faults, 'found']
          : [0, '']
  if (number === 0) return null
  return (
    <b class="badge" title={`${count(number)} ${words}`}>
      {number > 99 ? '99+' : number}
      <span class="unseen"> {words}</span>
    </b>
  )
}

function Freshness(): JSX.Element {
  const { state, asOfMs } = link.value
  const words = { opening: 'connecting', live: 'live', cut: 'cut off' }[state]
  return (
    <span class={`fresh is-${state}`}>
      <i aria-hidden="true" />
      <b>{words}</b>
      {asked.value !== null && (
        <a class="asked" href={pathOfNode(asked.value)} title="the node that answers this page">
          {asked.value}
        </a>
      )}
      {asOfMs !== null && (
        <time title={utc(asOfMs)} dateTime={new Date(asOfMs).toISOString()}>
          as of {localTime(asOfMs)}
        </time>
      )}
    </span>
  )
}

function Cut(): JSX.Element {
  const { asOfMs, why } = link.value
  return (
    <p class="cut" role="status">
      <strong>
        {asOfMs === null ? 'The node does not answer.' : `What you see is of ${localTime(asOfMs)}.`}
      </strong>{' '}
      <Text>{why ?? ''}</Text>; trying again each second.
    </p>
  )
}

function Notes(): JSX.Element {
  return (
    <div class="notes" aria-live="polite">
      {notes.value.map(({ id, words, isTrouble, href }) => (
        <p key={id} class={isTrouble ? 'note is-trouble' : 'note'}>
          {href === null ? <Text>{words}</Text> : <a href={href}>{words}</a>}
          <button type="button" class="quiet" aria-label="dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </p>
      ))}
    </div>
  )
}

/** How the whole is, in a sentence: for the title of the window, too. */
export function summary(): string {
  const { value } = status
  if (value === null) return 'hearsay'
  const { running, queued, failed } = value.tasks
  const parts = [`${count(running)} running`, `${count(queued)} queued`]
  if (failed > 0) parts.push(counted(failed, 'failed', 'failed'))
  return `${parts.join(', ')} · ${value.cluster} · hearsay`
}
