/**
 * Where a request has spent its time, as traces tell it: a span for the request, below it one for each fill
 * and for each call to the upstream. The port, and the implementation that only continues traces: the
 * upstream hears of the trace also where no span is kept.
 */
import { randomBytes } from 'node:crypto'
import type { TraceContext } from './trace-context.ts'

/** Null: left out. Never a path, an id of a record, a token or an address. */
export type Attributes = Readonly<Record<string, string | number | null>>

/** A piece of work within a request. `upstream`: one call; what it is given goes over the wire. */
export type Part = 'fill' | 'upstream'

export interface Span {
  readonly context: TraceContext
  begin(part: Part): Span
  event(name: string, attributes: Attributes): void
  /** Names a span of another trace that has to do with this one. */
  link(to: TraceContext): void
  /** @param error a closed word for what went wrong; null: nothing */
  end(attributes: Attributes, error: string | null): void
}

/** A request as it comes in. */
export interface Arrival {
  /** What it brought; null: nothing that may be continued. */
  readonly parent: TraceContext | null
  readonly method: string
  /** Name of the route, never a path. */
  readonly route: string | null
  /** Monotonic milliseconds. */
  readonly startedAt: number
}

export interface Tracer {
  /** False: no span is kept, and only calls to the upstream need one. */
  readonly isOn: boolean
  request(arrival: Arrival): Span
  /** Work in the background that a request has caused: a trace of its own. */
  refresh(route: string, cause: Span | null): Span
  /** Hands over what has ended. Does not reject, and does not take long. */
  close(): Promise<void>
}

/** Continues traces and begins them; keeps nothing. */
export class SilentTracer implements Tracer {
  readonly isOn = false
  readonly #sampleRatio: number

  /** @param sampleRatio of the traces that begin here, how many are marked as sampled; 0 to 1 */
  constructor(sampleRatio: number) {
    this.#sampleRatio = sampleRatio
  }

  request({ parent }: Arrival): Span {
    return new SilentSpan(parent ?? this.#root())
  }

  refresh(): Span {
    return new SilentSpan(this.#root())
  }

  async close(): Promise<void> {}

  #root(): TraceContext {
    const traceId = newId(16)
    const isSampled = Number.parseInt(traceId.slice(0, 8), 16) < this.#sampleRatio * 2 ** 32
    return { traceId, spanId: newId(8), isSampled, state: null }
  }
}

/** Is not kept. Only calls to the upstream have a context of their own: nobody hears of the others. */
export class SilentSpan implements Span {
  readonly context: TraceContext

  constructor(context: TraceContext) {
    this.context = context
  }

  begin(part: Part): Span {
    if (part !== 'upstream') return this
    return new SilentSpan({ ...this.context, spanId: newId(8) })
  }

  event(): void {}
  link(): void {}
  end(): void {}
}

/** For work that no request has asked for. */
export const UNTRACED: Span = new SilentSpan({
  traceId: '0'.repeat(32),
  spanId: '0'.repeat(16),
  isSampled: false,
  state: null,
})

/** Bytes that are drawn at once; a draw for each id took 6 % of a pass-through. */
const DRAWN_BYTES = 4_096

/** Random digits that no id has taken yet, from `taken` on. */
let digits = ''
let taken = 0

/** Random bytes in hexadecimal. All zero does not come up: it would be no id. */
function newId(bytes: 8 | 16): string {
  if (taken + 2 * bytes > digits.length) {
    digits = randomBytes(DRAWN_BYTES).toString('hex')
    taken = 0
  }
  const from = taken
  taken += 2 * bytes
  return digits.slice(from, taken)
}
