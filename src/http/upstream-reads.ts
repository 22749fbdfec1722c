/**
 * Cached reads that memory can't answer: under which request id, version pin, deadline and span the cache asks
 * the upstream for them.
 */
import type { PinUse, VersionPins } from '../auth/version-pins.ts'
import type { Cache, FillTerms } from '../cache/cache.ts'
import type { ReadUpstream } from '../cache/ports.ts'
import type { Reporter } from '../cache/report.ts'
import { headerValue } from '../cache/representation.ts'
import type { ReadRequest } from '../cache/request.ts'
import type { Served } from '../cache/served.ts'
import type { Clock } from '../lib/clock.ts'
import type { Span } from '../lib/tracer.ts'
import type { RequestTraces } from './request-traces.ts'
import type { RequestHead } from './validate.ts'

export interface UpstreamReadsDependencies {
  readonly clock: Clock
  readonly cache: Cache
  readonly pins: VersionPins
  readonly readUpstream: ReadUpstream
  readonly reporter: Reporter
  readonly traces: RequestTraces
  readonly newRequestId: () => string
  readonly totalTimeoutMs: number
}

export class UpstreamReads {
  readonly #deps: UpstreamReadsDependencies

  constructor(dependencies: UpstreamReadsDependencies) {
    this.#deps = dependencies
  }

  /** @throws what is a fault of our own */
  async read(
    request: ReadRequest,
    head: RequestHead,
    startedAt: number,
    span: Span,
  ): Promise<Served> {
    const { cache, pins, totalTimeoutMs } = this.#deps
    const pin = pins.begin(request.partition, head.version)
    try {
      const terms = this.#terms(head, pin, startedAt + totalTimeoutMs, span)
      const served = await cache.read(request, terms)
      endPin(pins, pin, served)
      return served
    } catch (error) {
      pins.end(pin, null)
      throw error
    }
  }

  /**
   * What was served stale is refreshed with the credential that was served, under a request id and in a trace of
   * its own.
   *
   * @param cause of the request that was served
   */
  async refresh(request: ReadRequest, served: RequestHead, cause: Span | null): Promise<void> {
    const { cache, clock, pins, reporter, traces, newRequestId, totalTimeoutMs } = this.#deps
    const head = { ...served, requestId: newRequestId() }
    const pin = pins.begin(request.partition, head.version)
    const span = traces.beginRefresh(request.view.route, cause)
    const terms = this.#terms(head, pin, clock.monotonic() + totalTimeoutMs, span)
    try {
      const refreshed = await cache.refresh(request, terms)
      span.end({ 'layby.outcome': refreshed?.outcome.kind ?? 'not-needed' }, null)
      if (refreshed === null) pins.end(pin, undefined)
      else endPin(pins, pin, refreshed)
    } catch (error) {
      span.end({}, 'fault')
      pins.end(pin, null)
      reporter.faulted(error, head.requestId)
    }
  }

  #terms(head: RequestHead, { mayJoin }: PinUse, deadline: number, span: Span): FillTerms {
    const { authorization, tenant, version, requestId } = head
    const headers = {
      authorization: authorization as string,
      tenant: tenant as string,
      version,
      requestId,
    }
    const { readUpstream } = this.#deps
    return {
      fetch: (until, part) => readUpstream.read(head.path, { ...headers, span: part }, until),
      deadline,
      mayJoin,
      span,
      requestId,
    }
  }
}

/** Only an answer to the credential's own request says which version is now in force for it. */
function endPin(pins: VersionPins, pin: PinUse, served: Served): void {
  const { kind, detail } = served.outcome
  if (kind !== 'fill') {
    // The upstream was asked, and what it made of that is not known.
    pins.end(pin, kind === 'failed' || detail === 'sie' ? null : undefined)
  } else if (served.kind === 'representation') {
    pins.end(pin, served.representation.version)
  } else if (served.kind === 'answer') {
    pins.end(pin, headerValue(served.answer.headers, 'x-api-version'))
  }
}
