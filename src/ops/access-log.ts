/** One line per request, from the same report as header and metric. Paths and ids of records are never logged. */
import type { Report, Reporter } from '../cache/report.ts'
import { faultFields } from '../lib/fault-fields.ts'
import type { Logger } from '../lib/logger.ts'
import type { InstanceReporter, StateReporter, UpstreamReporter } from './reporting.ts'

/** Codes are first words of what Redis answers, and there are some thirty; whoever makes up more is not logged. */
const MAX_REDIS_FAULTS = 100

export class AccessLog
  implements
    Pick<Reporter, 'finished' | 'sharingTripped' | 'faulted'>,
    Pick<
      InstanceReporter,
      | 'redisChanged'
      | 'redisFailed'
      | 'busChanged'
      | 'agreementChanged'
      | 'switchesMissing'
      | 'switchesUnreadable'
      | 'writableChanged'
      | 'invalidationsLost'
    >,
    Pick<UpstreamReporter, 'breakerChanged'>,
    StateReporter
{
  readonly #log: Logger
  readonly #slowMs: number
  /** Faults of Redis since it was last usable: each is said once, not for every command. */
  readonly #redisFaults = new Set<string>()

  /** @param slowMs a request that takes longer is slow */
  constructor(log: Logger, slowMs: number) {
    this.#log = log
    this.#slowMs = slowMs
  }

  /** Hits and other plain reads at `debug`; errors, writes and what was slow at `info`. */
  finished(report: Report): void {
    const { status, outcome, durationMs } = report
    const isSlow = durationMs > this.#slowMs
    const isNotable = isSlow || status >= 400 || outcome.forward === 'method'
    const level = isNotable ? 'info' : 'debug'
    if (!this.#log.isLevelEnabled(level)) return
    this.#log[level](
      {
        'http.request.id': report.requestId,
        'trace.id': report.traceId ?? undefined,
        'http.request.method': report.method,
        'http.response.status_code': status,
        // Nanoseconds, as the schema has it.
        'event.duration': Math.round(durationMs * 1e6),
        'event.outcome': status >= 500 ? 'failure' : 'success',
        slow: isSlow || undefined,
        'client.address': report.client ?? undefined,
        tenant: report.tenant,
        route: report.route,
        outcome: outcome.kind,
        tier: outcome.tier,
        reason: report.problem ?? outcome.detail,
        cause: report.cause ?? undefined,
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
      this.#redisFaults.clear()
      this.#log.info('redis is usable')
    } else {
      this.#log.warn('redis is not usable: serving from memory and the upstream')
    }
  }

  writableChanged(isWritable: boolean): void {
    if (isWritable) this.#log.info('redis takes writes')
    else
      this.#log.warn(
        'redis takes no writes: invalidations are pending, and nothing is stored there',
      )
  }

  invalidationsLost(count: number): void {
    const fields = { 'invalidations.pending': count }
    this.#log.error(fields, 'pending invalidations lost: redis could not be told before the end')
  }

  busChanged(isHeard: boolean): void {
    if (isHeard) this.#log.info('other instances are heard')
    else this.#log.warn('other instances are not heard: nothing is served from memory for long')
  }

  switchesMissing(count: number): void {
    this.#log.warn({ tenants: count }, 'switches of tenants missing in redis: put back')
  }

  switchesUnreadable(count: number): void {
    const fields = { tenants: count }
    this.#log.error(fields, 'switches of tenants in redis can not be read: those tenants may be on')
  }

  agreementChanged(isAgreed: boolean): void {
    if (isAgreed) this.#log.info('instances agree on names, version and time')
    else this.#log.error('instances differ in names, version or time: redis is not used')
  }

  pressureChanged(isHigh: boolean): void {
    if (isHigh) this.#log.warn('short of time or memory: what is not in memory is refused')
    else this.#log.info('what is not in memory is answered again')
  }

  queueChanged(isCut: boolean): void {
    if (isCut) this.#log.warn('the upstream is slower than it is asked: the queue for it is cut')
    else this.#log.info('the queue for the upstream is as long as it may be again')
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
    if (this.#redisFaults.has(code) || this.#redisFaults.size >= MAX_REDIS_FAULTS) return
    this.#redisFaults.add(code)
    this.#log.warn({ 'error.code': code }, 'redis fails')
  }

  faulted(error: unknown, requestId: string): void {
    const fields = { 'http.request.id': requestId, ...faultFields(error) }
    this.#log.error(fields, 'internal error')
  }
}
