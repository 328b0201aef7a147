/** Where the page is: its address, filters included, so that a link or a reload leads back to the same view. */
import { computed, signal } from '@preact/signals'

export type Route =
  | { view: 'home' | 'tasks' | 'nodes' | 'events' | 'doctor' | 'submit' | 'nowhere' }
  | { view: 'task' | 'graph'; id: string }
  | { view: 'node'; name: string }

export type View = Route['view']

const address = signal(location.pathname + location.search)

export const route = computed<Route>(() =>
  routeOf(new URL(address.value, location.origin).pathname)
)
export const query = computed(() => new URL(address.value, location.origin).searchParams)

export function routeOf(path: string): Route {
  const [first = '', second = '', third = '', ...more] = path.slice(1).split('/')
  if (more.length > 0) return { view: 'nowhere' }
  if (first === 'tasks' && second !== '' && third === '') return { view: 'task', id: second }
  if (first === 'tasks' && third === 'graph') return { view: 'graph', id: second }
  if (first === 'nodes' && third !== '') return { view: 'node', name: `${second}/${third}` }
  if (second !== '') return { view: 'nowhere' }
  if (first === '') return { view: 'home' }
  const views = ['tasks', 'nodes', 'events', 'doctor', 'submit'] as const
  return { view: views.find(view => view === first) ?? 'nowhere' }
}

/** @param replace leaves no entry in the history, as while a filter is typed */
export function go(to: string, replace = false): void {
  if (to === address.value) return
  if (replace) history.replaceState(null, '', to)
  else {
    history.pushState(null, '', to)
    scrollTo(0, 0)
  }
  address.value = to
}

/** The same view with other filters; empty ones are left out. */
export function goWith(changes: Readonly<Record<string, string | null>>, replace = false): void {
  const params = new URLSearchParams(query.value)
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === '') params.delete(key)
    else params.set(key, value)
  }
  const search = params.toString()
  go(location.pathname + (search === '' ? '' : `?${search}`), replace)
}

export function pathOfNode(name: string): string {
  return `/nodes/${name}`
}

export function pathOfTask(id: string): string {
  return `/tasks/${id}`
}

addEventListener('popstate', () => {
  address.value = location.pathname + location.search
})

/** Links within the page change the view, and load nothing. */
addEventListener('click', event => {
  const isPlain =
    event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (!isPlain || link === null || link.origin !== location.origin) return
  if (link.target !== '' || link.hasAttribute('download') || link.hash !== '') return
  event.preventDefault()
  go(link.pathname + link.search)
})
