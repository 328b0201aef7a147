/**
 * Single letters as commands. They are off while something is typed, and can be switched off for good: a screen reader
 * or a speaker's tool may send letters of its own.
 */
import { signal } from '@preact/signals'
import { go } from './route.ts'
import { hasKeys } from './preferences.ts'

export const isHelpOpen = signal(false)

/** What the view that is shown adds: by letter. */
export const viewKeys = signal<Readonly<Record<string, () => void>>>({})

export const KEY_WORDS: readonly (readonly [keys: string, words: string])[] = [
  ['?', 'show or hide this help'],
  ['/', 'search tasks'],
  ['n', 'new task'],
  ['j k', 'next, previous row'],
  ['Enter', 'open the chosen row'],
  ['x', 'choose the row for cancel or retry'],
  ['c', 'cancel: the task, or those that are chosen'],
  ['r', 'retry: the task, or those that are chosen'],
  ['g h', 'home'],
  ['g t', 'tasks'],
  ['g n', 'nodes'],
  ['g e', 'events'],
  ['g d', 'doctor'],
  ['Esc', 'close, or leave a field']
]

const PLACES: Readonly<Record<string, string>> = {
  h: '/',
  t: '/tasks',
  n: '/nodes',
  e: '/events',
  d: '/doctor'
}
/** Time between `g` and the letter that follows it. */
const CHORD_MS = 1500

let chordUntil = 0

export function startKeys(): void {
  addEventListener('keydown', event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    // A dialog has its own way with the keyboard.
    if (document.querySelector('dialog[open]') !== null) return
    const isInField = isTyping(event.target)
    if (event.key === 'Escape' && isInField) {
      leaveField()
      // It would empty a field for searching.
      event.preventDefault()
    }
    if (!hasKeys.value || isInField) return
    if (event.key === 'Enter' && isPressable(event.target)) return
    if (obey(event.key, event.timeStamp)) event.preventDefault()
  })
}

function obey(key: string, at: number): boolean {
  if (at < chordUntil) {
    chordUntil = 0
    const place = PLACES[key]
    if (place !== undefined) go(place)
    return place !== undefined
  }
  if (key === 'g') {
    chordUntil = at + CHORD_MS
    return true
  }
  if (key === '?') {
    isHelpOpen.value = true
    return true
  }
  if (key === 'n') {
    go('/submit')
    return true
  }
  const own = viewKeys.value[key]
  if (own !== undefined) {
    own()
    return true
  }
  if (key !== '/') return false
  go('/tasks')
  requestAnimationFrame(() => document.querySelector<HTMLElement>('#search')?.focus())
  return true
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('input, textarea, select, [contenteditable]') !== null
  )
}

/** Enter is its own there. */
function isPressable(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('a, button, summary, [role=button]') !== null
}

function leaveField(): void {
  const { activeElement } = document
  if (activeElement instanceof HTMLElement) activeElement.blur()
}
