/** The small things that all views are made of. */
import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { placeOf } from '../state/colours.ts'
import { ago, duration, localTime, plain, shortId, utc } from '../state/format.ts'
import { sayTrouble } from '../state/notes.ts'
import { now } from '../state/pulse.ts'
import { pathOfNode, pathOfTask } from '../state/route.ts'

/** An instant: local time, with UTC on hover. */
export function Time({ at }: Readonly<{ at: string }>): JSX.Element {
  return (
    <time dateTime={at} title={utc(at)}>
      {localTime(at)}
    </time>
  )
}

/** How long ago, counting on; with local time and UTC on hover. */
export function Ago({ at }: Readonly<{ at: string }>): JSX.Element {
  return (
    <time dateTime={at} title={`${localTime(at)} here, ${utc(at)}`}>
      {ago(at, now.value)}
    </time>
  )
}

/** How long something that goes on has taken so far. */
export function Since({ at }: Readonly<{ at: string }>): JSX.Element {
  const seconds = Math.max(0, Math.floor((now.value - Date.parse(at)) / 1000))
  return <>{seconds < 10 ? `${seconds} s` : duration(seconds * 1000)}</>
}

/** What others have written, on one line: control characters are seen, and its direction is its own affair. */
export function Text({ children }: Readonly<{ children: string }>): JSX.Element {
  return <bdi>{plain(children)}</bdi>
}

export function TaskLink({
  id,
  whole = false
}: Readonly<{ id: string; whole?: boolean }>): JSX.Element {
  return (
    <a class="id" href={pathOfTask(id)} title={id}>
      {whole ? id : shortId(id)}
    </a>
  )
}

export function NodeLink({ name }: Readonly<{ name: string }>): JSX.Element {
  if (!/^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.]+$/.test(name)) return <Text>{name}</Text>
  return <a href={pathOfNode(name)}>{name}</a>
}

/** The type of a task, with its colour beside it. */
export function TypeName({ type }: Readonly<{ type: string }>): JSX.Element {
  return (
    <span class="type" title={plain(type)}>
      <i class={`swatch type-${placeOf(type)}`} aria-hidden="true" />
      <Text>{type}</Text>
    </span>
  )
}

export function Copy({ text, label }: Readonly<{ text: string; label: string }>): JSX.Element {
  const [isDone, setDone] = useState(false)
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
      setDone(true)
      setTimeout(setDone, 2000, false)
    } catch (error) {
      sayTrouble(error)
    }
  }
  return (
    <button type="button" class="quiet" onClick={() => void copy()}>
      {isDone ? 'copied' : label}
    </button>
  )
}

/** A part of a view with a heading of its own. */
export function Panel({
  title,
  aside,
  children,
  kind = ''
}: Readonly<{
  title: string
  aside?: ComponentChildren
  children: ComponentChildren
  kind?: string
}>): JSX.Element {
  const id = `panel-${title.toLowerCase().replaceAll(/\W+/g, '-')}`
  return (
    <section class={`panel ${kind}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  )
}

export function Loading({ what }: Readonly<{ what: string }>): JSX.Element {
  return <p class="loading">loading {what} …</p>
}

export function Trouble({ words }: Readonly<{ words: string }>): JSX.Element {
  return (
    <p class="trouble" role="alert">
      <Text>{words}</Text>
    </p>
  )
}
