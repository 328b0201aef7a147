/** What a collector of OpenTelemetry sees of a task: submitted, waiting, run; and what the run itself is told of it. */
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Node } from '../../src/index.ts'
import { endAll, startNode } from '../library/nodes.ts'
import { until } from '../support/until.ts'

const collected = new InMemorySpanExporter()
const GIVEN = `00-${'ab'.repeat(16)}-${'01'.repeat(8)}-01`

let submitter: Node
let worker: Node

beforeAll(async () => {
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(collected)] })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  submitter = await startNode()
  worker = await startNode({ commands: true })
  worker.registerTaskHandler('trace', async (_: unknown, { traceparent }) => {
    await Promise.resolve()
    trace.getTracer('test').startSpan('inside').end()
    return traceparent
  })
  worker.registerTaskHandler('fail', () => {
    throw new TypeError('this cannot be')
  })
  worker.registerTaskHandler('hang', () => new Promise(() => {}))
  await worker.startWorker()
})
beforeEach(() => collected.reset())
afterAll(endAll)

/** The span of that name, once it has ended. */
function span(name: string): Promise<ReadableSpan> {
  return until(
    () => collected.getFinishedSpans().find(span => span.name === name)!,
    `the span ${name}`
  )
}

const idOf = (span: ReadableSpan): string => span.spanContext().spanId
const traceOf = (span: ReadableSpan): string => span.spanContext().traceId

test('a submission, the wait and the run are spans of one trace, across nodes', async () => {
  const tracer = trace.getTracer('test')
  const outer = tracer.startSpan('outer')
  const within = trace.setSpan(context.active(), outer)
  const id = await context.with(within, () => submitter.createTask('trace', null))
  outer.end()
  const { result } = { result: await submitter.waitForTask(id) }
  const submit = await span('submit trace')
  const [queue, run, inside] = [
    await span('queue trace'),
    await span('run trace'),
    await span('inside')
  ]
  expect([submit, queue, run, inside].map(traceOf)).toEqual(
    Array(4).fill(outer.spanContext().traceId)
  )
  expect(submit.parentSpanContext?.spanId).toBe(outer.spanContext().spanId)
  expect([queue, run].map(one => one.parentSpanContext?.spanId)).toEqual(
    Array(2).fill(idOf(submit))
  )
  expect(inside.parentSpanContext?.spanId).toBe(idOf(run))
  expect(result).toBe(`00-${traceOf(run)}-${idOf(run)}-01`)
  expect([submit.kind, run.kind]).toEqual([SpanKind.PRODUCER, SpanKind.CONSUMER])
  expect(submit.attributes).toMatchObject({ 'hearsay.task.id': id, 'hearsay.node': submitter.name })
  expect(run.attributes).toMatchObject({
    'hearsay.task.id': id,
    'hearsay.task.attempt': 1,
    'hearsay.node': worker.name
  })
  expect(queue.startTime <= queue.endTime).toBe(true)
})

test('what the submitter names goes before what is active', async () => {
  await submitter.waitForTask(await submitter.createTask('trace', null, { traceparent: GIVEN }))
  const submit = await span('submit trace')
  expect(traceOf(submit)).toBe('ab'.repeat(16))
  expect(submit.parentSpanContext?.spanId).toBe('01'.repeat(8))
})

test('a run that fails, and a submission that is refused, are marked as such', async () => {
  const id = await submitter.createTask('fail', null, { maxRetries: 0 })
  await expect(submitter.waitForTask(id)).rejects.toThrow()
  const run = await span('run fail')
  expect(run.status).toEqual({ code: SpanStatusCode.ERROR, message: 'this cannot be' })
  expect(run.events[0]?.attributes).toMatchObject({ 'exception.type': 'TypeError' })
  const gone = new AbortController()
  gone.abort(new Error('never mind'))
  await expect(submitter.submit('fail', null, {}, gone.signal)).rejects.toThrow('never mind')
  const submits = collected.getFinishedSpans().filter(({ name }) => name === 'submit fail')
  expect(submits.map(({ status }) => status.code)).toEqual([
    SpanStatusCode.UNSET,
    SpanStatusCode.ERROR
  ])
})

test('a run that is aborted has an end, too', async () => {
  const id = await submitter.createTask('hang', null)
  await until(() => submitter.task(id).state === 'running', 'the task to run')
  await submitter.cancel(id)
  expect((await span('run hang')).attributes).toMatchObject({ 'hearsay.run.aborted': true })
})

test('a command finds its trace in its environment', async () => {
  const id = await submitter.createTask('command', { argv: ['sh', '-c', 'echo $TRACEPARENT'] })
  await submitter.waitForTask(id)
  const run = await span('run command')
  let text = ''
  for await (const entry of submitter.logs(id)) text += entry.text
  expect(text.trim()).toBe(`00-${traceOf(run)}-${idOf(run)}-01`)
})
