/** The view that the address names, in the frame that all views have. */
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { Shell, summary } from './parts/shell.tsx'
import { route } from './state/route.ts'
import { session } from './state/session.ts'
import { DoctorView } from './views/doctor.tsx'
import { EventsView } from './views/events.tsx'
import { GraphView } from './views/graph.tsx'
import { Home } from './views/home.tsx'
import { Closed } from './views/closed.tsx'
import { NodeDetails } from './views/node.tsx'
import { NodesView } from './views/nodes.tsx'
import { SubmitView } from './views/submit.tsx'
import { TaskDetails } from './views/task.tsx'
import { TasksView } from './views/tasks.tsx'

export function App(): JSX.Element | null {
  const title = summary()
  useEffect(() => {
    document.title = title
  }, [title])
  if (session.value === 'opening') return null
  if (session.value === 'none') return <Closed />
  return (
    <Shell>
      <Chosen />
    </Shell>
  )
}

function Chosen(): JSX.Element {
  const { value } = route
  switch (value.view) {
    case 'home':
      return <Home />
    case 'tasks':
      return <TasksView />
    case 'task':
      return <TaskDetails key={value.id} id={value.id} />
    case 'graph':
      return <GraphView key={value.id} id={value.id} />
    case 'nodes':
      return <NodesView />
    case 'node':
      return <NodeDetails key={value.name} name={value.name} />
    case 'events':
      return <EventsView />
    case 'doctor':
      return <DoctorView />
    case 'submit':
      return <SubmitView />
    case 'nowhere':
      return <p class="trouble">There is no such page.</p>
  }
}
