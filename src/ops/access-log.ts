/** One line per request, from the same report as header and metric. Paths and ids of records are never logged. */
import type { Report, Reporter } from '../cache/report.ts'
import type { Logger } from '../lib/logger.ts'
import type { InstanceReporter, StateReporter, UpstreamReporter } from './reporting.ts'

export class AccessLog
  implements
    Pick<Reporter, 'finished' | 'sharingTripped' | 'faulted'>,
    Pick<InstanceReporter, 'redisChanged' | 'redisFailed'>,
    UpstreamReporter,
    StateReporter
{
  readonly #log: Logger
  /** The last fault of Redis that was logged: said once, not for every command. */
  #redisFault: string | null = null

  constructor(log: Logger) {
    this.#log = log
  }

  /** Hits and other plain reads at `debug`; errors and writes at `info`. */
  finished(report: Report): void {
    const isNotable = report.status >= 400 || report.outcome.forward === 'method'
    const level = isNotable ? 'info' : 'debug'
    if (!this.#log.isLevelEnabled(level)) return
    const { outcome } = report
    this.#log[level](
      {
        'http.request.id': report.requestId,
        'trace.id': report.traceId ?? undefined,
        'http.request.method': report.method,
        'http.response.status_code': report.status,
        'event.duration_ms': Math.round(report.durationMs * 1000) / 1000,
        tenant: report.tenant,
        route: report.route,
        outcome: outcome.kind,
        tier: outcome.tier,
        reason: report.problem ?? outcome.detail,
        age: outcome.age,
        leader_request_id: outcome.leaderRequestId,
      },
      'request',
    )
  }

  sharingTripped(tenant: string): void {
    this.#log.warn({ tenant }, 'two views of one record seen: tenant sharing is off for an hour')
  }

  redisChanged(isUsable: boolean): void {
    if (isUsable) {
      this.#redisFault = null
      this.#log.info('redis is usable')
    } else {
      this.#log.warn('redis is not usable: serving from memory and the upstream')
    }
  }

  breakerChanged(isOpen: boolean): void {
    if (isOpen) this.#log.warn('the upstream fails: reads are not sent but for a trial a second')
    else this.#log.info('the upstream answers again')
  }

  traceExportChanged(isFailing: boolean): void {
    if (isFailing) this.#log.warn('spans can not be exported: they are lost')
    else this.#log.info('spans are exported again')
  }

  redisFailed(code: string): void {
    if (code === this.#redisFault) return
    this.#redisFault = code
    this.#log.warn({ 'error.code': code }, 'redis fails')
  }

  faulted(error: unknown, requestId: string): void {
    const { name, stack } = error instanceof Error ? error : new Error('not an error')
    this.#log.error({ 'http.request.id': requestId, 'error.type': name, stack }, 'internal error')
  }
}
