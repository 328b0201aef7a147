/** What a user has chosen for this page, kept for this computer. */
import { effect, signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'

const THEMES: readonly Theme[] = ['system', 'light', 'dark']
const THEME = 'hearsay-theme'
const KEYS = 'hearsay-keys'
const WRAP = 'hearsay-wrap'

export const theme = signal<Theme>(
  THEMES.find(one => one === localStorage.getItem(THEME)) ?? 'system'
)
/** Whether single letters are commands. */
export const hasKeys = signal(localStorage.getItem(KEYS) !== 'off')
/** Whether long lines of logs are broken. */
export const wraps = signal(localStorage.getItem(WRAP) !== 'off')

const systemDark = matchMedia('(prefers-color-scheme: dark)')
/** What is shown now. */
export const isDark = signal(false)

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!
}

function showTheme(): void {
  isDark.value = theme.value === 'dark' || (theme.value === 'system' && systemDark.matches)
  document.documentElement.dataset['theme'] = isDark.value ? 'dark' : 'light'
}

effect(() => {
  localStorage.setItem(THEME, theme.value)
  showTheme()
})
effect(() => localStorage.setItem(KEYS, hasKeys.value ? 'on' : 'off'))
effect(() => localStorage.setItem(WRAP, wraps.value ? 'on' : 'off'))
systemDark.addEventListener('change', showTheme)
