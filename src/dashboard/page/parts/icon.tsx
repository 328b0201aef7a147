/** The pictures beside words. None says anything that no word says. */
import type { ComponentChildren, JSX } from 'preact'

export type IconName =
  | 'brand'
  | 'home'
  | 'tasks'
  | 'nodes'
  | 'events'
  | 'doctor'
  | 'system'
  | 'light'
  | 'dark'

const PICTURES: Readonly<Record<IconName, ComponentChildren>> = {
  brand: (
    <>
      <circle cx="6" cy="12" r="2.6" fill="currentColor" />
      <path d="M11 8.4a5.2 5.2 0 0 1 0 7.2M14.6 5.8a9 9 0 0 1 0 12.4M18.2 3.2a13 13 0 0 1 0 17.6" />
    </>
  ),
  home: <path d="m4 11 8-7 8 7v9h-5.5v-6h-5v6H4z" />,
  tasks: <path d="M9 6h11M9 12h11M9 18h11M4 6h.5M4 12h.5M4 18h.5" />,
  nodes: <path d="M5 5h5v5H5zM14 14h5v5h-5zM14 5h5v5h-5zM10 7.5h4M16.5 10v4M7.5 10v6.5H14" />,
  events: <path d="M3 12h4l3-8 4 16 3-8h4" />,
  doctor: (
    <path d="M12 20S4 15 4 9.4A4.2 4.2 0 0 1 12 7.6a4.2 4.2 0 0 1 8 1.8C20 15 12 20 12 20zM9 11.5h2l1-2 1.4 3.6.8-1.6H16" />
  ),
  system: <path d="M4 5h16v11H4zM9 20h6M12 16v4" />,
  light: (
    <>
      <circle cx="12" cy="12" r="4" />
      <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4" />
    </>
  ),
  dark: <path d="M19 14.5A8 8 0 0 1 9.5 5a8 8 0 1 0 9.5 9.5z" />
}

export function Icon({ name }: Readonly<{ name: IconName }>): JSX.Element {
  return (
    <svg class={`icon is-${name}`} viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
      {PICTURES[name]}
    </svg>
  )
}
