/**
 * What the local API answers: a request in, a call of the node, its answer as JSON. Nothing is decided here; every
 * check of a task's options is the node's own, so that a program and the command line meet the same rules.
 */
import { Hono } from 'hono'
import { InvalidOptionError, NodeClosedError } from '../shared/errors.ts'
import type { ListsApi } from '../node/api/lists-api.ts'
import type { NodeApi } from '../node/api/node-api.ts'
import { problemOf } from './problem.ts'
import { serveDocument } from './openapi/document.ts'
import { Service } from './openapi/service.ts'
import { reloadHandlers, type Reload } from './routes/reload.ts'
import { serveCluster } from './routes/cluster.ts'
import { serveContents } from './routes/contents.ts'
import { serveLists } from './routes/lists.ts'
import { serveTasks } from './routes/tasks.ts'
import { serveWorkers } from './routes/workers.ts'

/**
 * @param closing aborted with a NodeClosedError when the API closes: ends all waits and streams
 * @param reload what reading anew means. @default the handlers are
 */
export function routes(
  node: NodeApi & ListsApi,
  closing: AbortSignal,
  reload: Reload = () => reloadHandlers(node)
): Hono {
  const app = new Hono()
  app.onError((error, c) => {
    const { status, problem } = problemOf(error)
    return c.json(problem, status)
  })
  app.notFound(c => {
    const what = `${c.req.method} ${c.req.path}`
    const message = `this node knows no ${what}: is its version of hearsay another one than yours?`
    return c.json(problemOf(new InvalidOptionError(message)).problem, 404)
  })
  const service = new Service(app)
  // Before the tasks by id: a word may look like a part of one.
  serveLists(service, node)
  serveTasks(service, node, closing)
  serveContents(service, node)
  serveCluster(service, node, closing, reload)
  serveWorkers(service, node.workers, closing)
  serveDocument(service)
  return app
}

/** Why all waits and streams end when the API closes. */
export function closed(): NodeClosedError {
  return new NodeClosedError('the node stops: ask another one, the task goes on')
}
