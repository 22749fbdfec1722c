/**
 * Cached reads that memory can't answer: under which request id, version pin, deadline and span the cache asks
 * the upstream for them.
 */
import type { PinUse, VersionPins } from '../auth/version-pins.ts'
import type { Cache } from '../cache/cache.ts'
import type { FillTerms } from '../cache/origin-fill.ts'
import { NOT_TO_STORE } from '../cache/outcome.ts'
import { isUnsent, type ReadUpstream } from '../cache/ports.ts'
import { type ReadTimes, UNTIMED } from '../cache/read-times.ts'
import type { Reporter } from '../cache/report.ts'
import { headerValue } from '../cache/representation.ts'
import type { ReadRequest } from '../cache/request.ts'
import { isFailure, type Served } from '../cache/served.ts'
import type { Standings } from '../cache/standing.ts'
import type { Clock } from '../lib/clock.ts'
import type { Span } from '../lib/tracer.ts'
import type { Cors } from './cors.ts'
import type { RequestTraces } from './request-traces.ts'
import type { RequestHead } from './validate.ts'

export interface UpstreamReadsDependencies {
  readonly clock: Clock
  readonly cache: Cache
  readonly cors: Cors
  readonly pins: VersionPins
  readonly standings: Pick<Standings, 'isAccepted'>
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
    times: ReadTimes,
  ): Promise<Served> {
    const { cache, pins, totalTimeoutMs } = this.#deps
    const pin = pins.begin(request.partition, head.version)
    const asking: Asking = { wasSent: false }
    try {
      const deadline = startedAt + totalTimeoutMs
      const terms = this.#terms(request, head, pin, { deadline, span, times }, asking)
      const served = await cache.read(request, terms)
      this.#endPin(request, pin, served, asking)
      const isUnstored = request.directives.noStore && served.outcome.kind === 'fill'
      return isUnstored ? { ...served, outcome: NOT_TO_STORE } : served
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
    const asking: Asking = { wasSent: false }
    const deadline = clock.monotonic() + totalTimeoutMs
    const terms = this.#terms(request, head, pin, { deadline, span, times: UNTIMED }, asking)
    try {
      const refreshed = await cache.refresh(request, terms)
      span.end({ 'layby.outcome': refreshed?.outcome.kind ?? 'not-needed' }, null)
      if (refreshed === null) pins.end(pin, undefined)
      else this.#endPin(request, pin, refreshed, asking)
    } catch (error) {
      span.end({}, 'fault')
      pins.end(pin, null)
      reporter.faulted(error, head.requestId)
    }
  }

  /**
   * Only an answer to the credential's own request says which version is now in force for it. One that was sent and
   * not answered leaves that in doubt; one that was held back here does not, or a tenant at its limit would lose
   * its hits as well.
   */
  #endPin({ view, credential }: ReadRequest, pin: PinUse, served: Served, asking: Asking): void {
    const { pins, standings } = this.#deps
    const effective = effectiveVersion(served, asking)
    pins.end(pin, effective, standings.isAccepted(view.tenant, credential))
  }

  #terms(
    { partition, credential }: ReadRequest,
    head: RequestHead,
    { mayJoin }: PinUse,
    given: Pick<FillTerms, 'deadline' | 'span' | 'times'>,
    asking: Asking,
  ): FillTerms {
    const { authorization, tenant, version, requestId } = head
    const headers = {
      authorization: authorization as string,
      tenant: tenant as string,
      version,
      requestId,
    }
    const { readUpstream, standings, cors } = this.#deps
    return {
      fetch: async (until, part) => {
        const isAccepted = standings.isAccepted(headers.tenant, credential)
        const asked = { ...headers, partition, isAccepted, span: part }
        const answering = readUpstream.read(head.path, asked, until)
        const answer = await given.times.during('upstream', answering)
        if (!isUnsent(answer)) asking.wasSent = true
        if (!isFailure(answer)) cors.observe(head.path, answer.headers)
        return answer
      },
      ...given,
      mayJoin,
      requestId,
    }
  }
}

/** Whether the upstream has seen anything of a request. */
interface Asking {
  wasSent: boolean
}

/** As `VersionPins.end` is told it. */
function effectiveVersion(served: Served, { wasSent }: Asking): string | null | undefined {
  if (served.outcome.kind !== 'fill') return wasSent ? null : undefined
  if (served.kind === 'representation') return served.representation.version
  return served.kind === 'answer' ? headerValue(served.answer.headers, 'x-api-version') : null
}
