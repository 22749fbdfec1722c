/** Tells every listener what happened. On the hit path: plain loops, nothing allocated. */
import type { FillResult, InvalidationSource, Report, Reporter } from '../cache/report.ts'

export class Reporting implements Reporter {
  readonly #listeners: Partial<Reporter>[]

  constructor(...listeners: Partial<Reporter>[]) {
    this.#listeners = listeners
  }

  add(listener: Partial<Reporter>): void {
    this.#listeners.push(listener)
  }

  finished(report: Report): void {
    for (const listener of this.#listeners) listener.finished?.(report)
  }

  lookedUp(milliseconds: number): void {
    for (const listener of this.#listeners) listener.lookedUp?.(milliseconds)
  }

  filled(result: FillResult, milliseconds: number): void {
    for (const listener of this.#listeners) listener.filled?.(result, milliseconds)
  }

  invalidated(source: InvalidationSource): void {
    for (const listener of this.#listeners) listener.invalidated?.(source)
  }

  sharingTripped(tenant: string): void {
    for (const listener of this.#listeners) listener.sharingTripped?.(tenant)
  }

  faulted(error: unknown, requestId: string): void {
    for (const listener of this.#listeners) listener.faulted?.(error, requestId)
  }
}
