/** Short sentences on what a user's action has led to: shown for a while, and read out. */
import { signal } from '@preact/signals'

export type Note = Readonly<{ id: number; words: string; isTrouble: boolean; href: string | null }>

const SHOWN_MS = 8000
const SHOWN_MAX = 4

export const notes = signal<readonly Note[]>([])
let nextId = 1

export function say(words: string, href: string | null = null): void {
  add({ id: nextId++, words, isTrouble: false, href })
}

export function sayTrouble(error: unknown): void {
  const words = error instanceof Error ? error.message : String(error)
  add({ id: nextId++, words, isTrouble: true, href: null })
}

export function dismiss(id: number): void {
  notes.value = notes.value.filter(note => note.id !== id)
}

function add(note: Note): void {
  notes.value = [...notes.value, note].slice(-SHOWN_MAX)
  setTimeout(() => dismiss(note.id), SHOWN_MS)
}
