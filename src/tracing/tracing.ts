/**
 * Spans for submissions, waiting and runs, by OpenTelemetry's API: the program, or what it was started with, says where
 * they go. Without that package there is nothing here that costs anything.
 */
import type * as otel from '@opentelemetry/api'
import type { Attributes, Context, Span } from '@opentelemetry/api'
import type { TaskId } from '../core/base/ids.ts'
import type { Run } from '../core/effect.ts'
import type { RunResult } from '../core/input.ts'
import type { Traceparent, Tracing } from '../ports/tracing.ts'

type Api = typeof otel

/** Null if `@opentelemetry/api` is not installed where hearsay finds it. */
export async function findTracing(node: string, version: string): Promise<Tracing | null> {
  const api = await import('@opentelemetry/api').catch(() => null)
  return api === null ? null : new Spans(api, node, version)
}

class Spans implements Tracing {
  readonly #api: Api
  readonly #node: string
  readonly #version: string
  readonly #running = new Map<string, Span>()

  constructor(api: Api, node: string, version: string) {
    this.#api = api
    this.#node = node
    this.#version = version
  }

  async submission<T extends Readonly<{ id: TaskId }>>(
    type: string,
    parent: Traceparent,
    submit: (traceparent: Traceparent) => Promise<T>
  ): Promise<T> {
    if (this.#isIdle(parent)) return submit(parent)
    const { context, SpanKind, trace } = this.#api
    const outer = parent === null ? context.active() : this.#contextOf(parent)
    const attributes = this.#attributes({ 'hearsay.task.type': type })
    const span = this.#start(`submit ${type}`, { kind: SpanKind.PRODUCER, attributes }, outer)
    try {
      const inner = trace.setSpan(outer, span)
      const submitted = await context.with(inner, submit, undefined, traceparentOf(span) ?? parent)
      span.setAttribute('hearsay.task.id', submitted.id)
      return submitted
    } catch (error) {
      this.#fail(span, error as Error)
      throw error
    } finally {
      span.end()
    }
  }

  run(run: Run, submittedAt: number, start: (run: Run) => void): void {
    if (this.#isIdle(run.traceparent)) return start(run)
    const { context, ROOT_CONTEXT, SpanKind, trace } = this.#api
    const parent = run.traceparent === null ? ROOT_CONTEXT : this.#contextOf(run.traceparent)
    const attributes = this.#attributes({
      'hearsay.task.type': run.type,
      'hearsay.task.id': run.taskId,
      'hearsay.task.attempt': run.attempt,
      'hearsay.task.epoch': run.epoch
    })
    this.#start(`queue ${run.type}`, { startTime: submittedAt, attributes }, parent).end()
    const span = this.#start(`run ${run.type}`, { kind: SpanKind.CONSUMER, attributes }, parent)
    this.#running.set(keyOf(run.taskId, run.epoch), span)
    const traceparent = traceparentOf(span) ?? run.traceparent
    context.with(trace.setSpan(parent, span), start, undefined, { ...run, traceparent })
  }

  ended(taskId: TaskId, epoch: number, result: RunResult | null): void {
    const key = keyOf(taskId, epoch)
    const span = this.#running.get(key)
    this.#running.delete(key)
    if (span === undefined) return
    if (result === null) span.setAttribute('hearsay.run.aborted', true)
    else if (result.status === 'failed') this.#fail(span, result.error)
    span.end()
  }

  /** Whether nobody collects spans, and there is none of others to pass on: most programs have this package unused. */
  #isIdle(parent: Traceparent): boolean {
    const { context, ProxyTracerProvider, ROOT_CONTEXT, trace } = this.#api
    if (parent !== null || context.active() !== ROOT_CONTEXT) return false
    // Asked for each time: the provider may be there later than this node.
    const provider = trace.getTracerProvider()
    if (!(provider instanceof ProxyTracerProvider)) return false
    return provider.getDelegateTracer('hearsay', this.#version) === undefined
  }

  #start(
    name: string,
    options: Readonly<{ kind?: number; startTime?: number; attributes: Attributes }>,
    parent: Context
  ): Span {
    // Asked for each time: the provider may be there later than this node.
    return this.#api.trace.getTracer('hearsay', this.#version).startSpan(name, options, parent)
  }

  #attributes(of: Attributes): Attributes {
    return { ...of, 'hearsay.node': this.#node }
  }

  #contextOf(traceparent: string): Context {
    const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-')
    const { ROOT_CONTEXT, trace } = this.#api
    const traceFlags = Number.parseInt(flags, 16)
    return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
  }

  #fail(span: Span, { name, message }: Readonly<{ name: string; message: string }>): void {
    span.recordException({ name, message })
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message })
  }
}

function keyOf(taskId: TaskId, epoch: number): string {
  return `${taskId} ${epoch}`
}

/** Null where nobody collects spans: the span is none. */
function traceparentOf(span: Span): Traceparent {
  const { traceId, spanId, traceFlags } = span.spanContext()
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return null
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`
}
