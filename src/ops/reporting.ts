/** Tells every listener what happened. On the hit path: plain loops, nothing allocated. */
import type { FailedCall } from '../cache/ports.ts'
import type { FillResult, InvalidationSource, Report, Reporter } from '../cache/report.ts'
import type { TlsFile } from '../lib/tls-file.ts'

/** As the Redis tier has it: what was wrong with a value. */
export type Mismatch = 'envelope' | 'seal' | 'time'

/** What the second tier and the bus tell; the counterpart of `Reporter`. */
export interface InstanceReporter {
  mismatched(kind: Mismatch): void
  busGap(milliseconds: number): void
  /** Invalidations of other instances are heard, or no longer; looked at a few times a second. */
  busChanged(isHeard: boolean): void
  /** Other instances and this one find each other's changes, or not. */
  agreementChanged(isAgreed: boolean): void
  /** So many switches of tenants were missing in Redis, and are put back. */
  switchesMissing(count: number): void
  /** So many values there are no switches that can be read. */
  switchesUnreadable(count: number): void
  redisChanged(isUsable: boolean): void
  redisFailed(code: string): void
  /** Redis takes writes, or no longer. */
  writableChanged(isWritable: boolean): void
  /** The instance ends, and so many of its invalidations have not reached Redis. */
  invalidationsLost(count: number): void
}

/** What the wire front end tells. */
export interface WireReporter {
  /** A connection was given to Node's HTTP server for good. */
  handedOver(): void
}

/** What either front end tells of its clients. */
export interface ReaderReporter {
  /** A connection was closed whose client took nothing of its answer. */
  readerClosed(): void
}

/** What is told of the upstream as a whole. */
export interface UpstreamReporter {
  /** Open: reads are not sent, since none was answered of late. */
  breakerChanged(isOpen: boolean): void
  /** A call has failed, and is not made again. */
  upstreamFailed(call: FailedCall): void
  /** A request has waited so long for its place among those that go to the upstream. */
  upstreamWaited(milliseconds: number): void
}

/** What is reported of the files of TLS. */
export interface TlsReporter {
  /** @param fault why what the file holds now is not used; null: it is */
  tlsReloaded(file: TlsFile, fault: string | null): void
}

/** What is told of the process itself, once for each change. */
export interface StateReporter {
  /** High: what is not in memory is refused. */
  pressureChanged(isHigh: boolean): void
  /** Cut: reads that would wait long for the upstream are refused. */
  queueChanged(isCut: boolean): void
  /** Spans can't be exported, or can again. */
  traceExportChanged(isFailing: boolean): void
}

type Listener = Partial<StateReporter> &
  Partial<UpstreamReporter> &
  Partial<TlsReporter> &
  Partial<Reporter> &
  Partial<InstanceReporter> &
  Partial<ReaderReporter> &
  Partial<WireReporter>

export class Reporting
  implements
    Reporter,
    InstanceReporter,
    ReaderReporter,
    WireReporter,
    UpstreamReporter,
    TlsReporter,
    StateReporter
{
  readonly #listeners: Listener[] = []
  /** Those who hear of every hit: no others are asked for each. */
  readonly #ofFinished: Pick<Reporter, 'finished'>[] = []
  readonly #ofLookups: Pick<Reporter, 'lookedUp'>[] = []

  constructor(...listeners: Listener[]) {
    for (const listener of listeners) this.add(listener)
  }

  add(listener: Listener): void {
    this.#listeners.push(listener)
    if (hears(listener, 'finished')) this.#ofFinished.push(listener)
    if (hears(listener, 'lookedUp')) this.#ofLookups.push(listener)
  }

  finished(report: Report): void {
    for (const listener of this.#ofFinished) listener.finished(report)
  }

  lookedUp(milliseconds: number): void {
    for (const listener of this.#ofLookups) listener.lookedUp(milliseconds)
  }

  walked(milliseconds: number): void {
    for (const listener of this.#listeners) listener.walked?.(milliseconds)
  }

  filled(result: FillResult, milliseconds: number, traceId: string | null): void {
    for (const listener of this.#listeners) listener.filled?.(result, milliseconds, traceId)
  }

  invalidated(source: InvalidationSource): void {
    for (const listener of this.#listeners) listener.invalidated?.(source)
  }

  outdated(milliseconds: number): void {
    for (const listener of this.#listeners) listener.outdated?.(milliseconds)
  }

  headersChanged(names: readonly string[]): void {
    for (const listener of this.#listeners) listener.headersChanged?.(names)
  }

  sharingTripped(tenant: string): void {
    for (const listener of this.#listeners) listener.sharingTripped?.(tenant)
  }

  mismatched(kind: Mismatch): void {
    for (const listener of this.#listeners) listener.mismatched?.(kind)
  }

  busGap(milliseconds: number): void {
    for (const listener of this.#listeners) listener.busGap?.(milliseconds)
  }

  heard(): void {
    for (const listener of this.#listeners) listener.invalidated?.('bus')
  }

  redisChanged(isUsable: boolean): void {
    for (const listener of this.#listeners) listener.redisChanged?.(isUsable)
  }

  redisFailed(code: string): void {
    for (const listener of this.#listeners) listener.redisFailed?.(code)
  }

  writableChanged(isWritable: boolean): void {
    for (const listener of this.#listeners) listener.writableChanged?.(isWritable)
  }

  invalidationsLost(count: number): void {
    for (const listener of this.#listeners) listener.invalidationsLost?.(count)
  }

  breakerChanged(isOpen: boolean): void {
    for (const listener of this.#listeners) listener.breakerChanged?.(isOpen)
  }

  upstreamFailed(call: FailedCall): void {
    for (const listener of this.#listeners) listener.upstreamFailed?.(call)
  }

  upstreamWaited(milliseconds: number): void {
    for (const listener of this.#listeners) listener.upstreamWaited?.(milliseconds)
  }

  tlsReloaded(file: TlsFile, fault: string | null): void {
    for (const listener of this.#listeners) listener.tlsReloaded?.(file, fault)
  }

  busChanged(isHeard: boolean): void {
    for (const listener of this.#listeners) listener.busChanged?.(isHeard)
  }

  switchesMissing(count: number): void {
    for (const listener of this.#listeners) listener.switchesMissing?.(count)
  }

  switchesUnreadable(count: number): void {
    for (const listener of this.#listeners) listener.switchesUnreadable?.(count)
  }

  agreementChanged(isAgreed: boolean): void {
    for (const listener of this.#listeners) listener.agreementChanged?.(isAgreed)
  }

  pressureChanged(isHigh: boolean): void {
    for (const listener of this.#listeners) listener.pressureChanged?.(isHigh)
  }

  queueChanged(isCut: boolean): void {
    for (const listener of this.#listeners) listener.queueChanged?.(isCut)
  }

  traceExportChanged(isFailing: boolean): void {
    for (const listener of this.#listeners) listener.traceExportChanged?.(isFailing)
  }

  readerClosed(): void {
    for (const listener of this.#listeners) listener.readerClosed?.()
  }

  handedOver(): void {
    for (const listener of this.#listeners) listener.handedOver?.()
  }

  faulted(error: unknown, requestId: string): void {
    for (const listener of this.#listeners) listener.faulted?.(error, requestId)
  }
}

function hears<Name extends keyof Reporter>(
  listener: Listener,
  name: Name,
): listener is Listener & Pick<Reporter, Name> {
  return listener[name] !== undefined
}
