/**
 * Why calls to the upstream fail: one line for each cause and code, and again when it has lasted. Each request that was
 * answered with a problem has its own line (`access-log.ts`).
 */
import type { FailedCall } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { UpstreamReporter } from './reporting.ts'

/** How long what goes on failing is counted before it is said again. */
const REPEAT_MS = 10_000
/** Codes are those of the system, Node.js, OpenSSL and undici; should they become many, the oldest is said again. */
const MAX_KINDS = 100

/** Calls that have failed alike. */
interface Failing {
  /** When it was said, in monotonic milliseconds. */
  readonly saidAt: number
  /** Since then. */
  readonly calls: number
}

export class UpstreamLog implements Pick<UpstreamReporter, 'upstreamFailed'> {
  readonly #log: Logger
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #failing = new Map<string, Failing>()

  constructor(log: Logger, clock: Pick<Clock, 'monotonic'>) {
    this.#log = log
    this.#clock = clock
  }

  upstreamFailed(call: FailedCall): void {
    const kind = `${call.cause} ${call.code} ${call.type} ${call.reason}`
    const now = this.#clock.monotonic()
    const known = this.#failing.get(kind)
    const isDue = known === undefined || now - known.saidAt >= REPEAT_MS
    const calls = (known?.calls ?? 0) + 1
    this.#failing.delete(kind)
    this.#failing.set(kind, isDue ? { saidAt: now, calls: 0 } : { ...known, calls })
    const [oldest] = this.#failing.keys()
    if (this.#failing.size > MAX_KINDS && oldest !== undefined) this.#failing.delete(oldest)
    if (isDue) this.#say(call, calls)
  }

  /** @param calls so many have failed alike since it was last said, this one included */
  #say({ cause, code, type, reason, requestId }: FailedCall, calls: number): void {
    this.#log.warn(
      {
        cause,
        'error.code': code ?? undefined,
        'error.type': type,
        'error.reason': reason ?? undefined,
        calls,
        'http.request.id': requestId ?? undefined,
      },
      'upstream call failed',
    )
  }
}
