/**
 * The trace of each request: what it brings is continued, and without it a trace begins. The request's span
 * ends with the report that log and metrics get, so it can't say anything else.
 */
import type { Report } from '../cache/report.ts'
import { readTraceContext } from '../lib/trace-context.ts'
import type { Span, Tracer } from '../lib/tracer.ts'
import { reportedMethod } from './methods.ts'
import type { RequestHead, TraceFields } from './validate.ts'

export class RequestTraces {
  readonly #tracer: Tracer
  readonly #isEachLogged: boolean

  /** @param isEachLogged whether requests are logged that are answered from memory */
  constructor(tracer: Tracer, isEachLogged: boolean) {
    this.#tracer = tracer
    this.#isEachLogged = isEachLogged
  }

  /** @param startedAt when the request arrived, in monotonic milliseconds */
  begin(
    { traceparent, tracestate }: TraceFields,
    method: string,
    route: string | null,
    startedAt: number,
  ): Span {
    // guard: routes-not-paths
    return this.#tracer.request({
      parent: readTraceContext(traceparent, tracestate),
      method: reportedMethod(method),
      route,
      startedAt,
    })
  }

  /**
   * What memory answers, asks the upstream nothing: where nobody would hear of its trace, nothing is made of what
   * it brings. Null: nobody would. On the way of every hit.
   */
  beginHit(head: RequestHead, route: string, startedAt: number): Span | null {
    const isHeardOf = this.#tracer.isOn || (this.#isEachLogged && head.traceparent !== null)
    return isHeardOf ? this.begin(head, head.method, route, startedAt) : null
  }

  /**
   * A refusal calls nobody, so `tracestate` is not read: it is what goes on with a call.
   *
   * @returns null where nobody would hear of it
   */
  beginRefusal({ traceparent }: TraceFields, method: string, startedAt: number): Span | null {
    const isHeardOf = this.#tracer.isOn || traceparent !== null
    // guard: refusal-reads-nothing
    return isHeardOf ? this.begin({ traceparent, tracestate: null }, method, null, startedAt) : null
  }

  beginRefresh(route: string, cause: Span | null): Span {
    return this.#tracer.refresh(route, cause)
  }
}

export function endRequest(span: Span, { status, outcome, problem, tenant }: Report): void {
  const attributes = {
    'http.response.status_code': status,
    'layby.outcome': outcome.kind,
    'layby.tier': outcome.tier,
    'layby.reason': problem ?? outcome.detail,
    'layby.tenant': tenant,
  }
  span.end(attributes, status >= 500 ? (problem ?? String(status)) : null)
}
