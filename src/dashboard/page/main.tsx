/** The page of `hearsay dashboard`: begins with its session, then follows the node. */
import { render } from 'preact'
import './style/tokens.css'
import './style/base.css'
import './style/parts.css'
import './style/views.css'
import './style/submit.css'
import { App } from './app.tsx'
import { onEvents } from './state/cluster.ts'
import { startFeed } from './state/feed.ts'
import { startKeys } from './state/keys.ts'
import { openSession } from './state/session.ts'
import { takeEvents } from './stream/spans.ts'

render(<App />, document.querySelector('#page')!)
startKeys()
startFeed()
onEvents(takeEvents)
await openSession()
