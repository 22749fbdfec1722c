/**
 * Spans by OpenTelemetry, exported in batches as OTLP over HTTP. Loaded only where export is configured
 * (`tracing.otlpUrl`): nothing else names a package of OpenTelemetry.
 *
 * Whether a trace is kept is decided first, when its first span begins: what is not kept costs no more than
 * without export.
 */
import { randomUUID } from 'node:crypto'
import {
  createTraceState,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import type { Clock } from '../lib/clock.ts'
import type { TraceContext } from '../lib/trace-context.ts'
import {
  type Arrival,
  type Attributes,
  type Part,
  SilentSpan,
  type Span,
  type Tracer,
} from '../lib/tracer.ts'

export interface TracingSettings {
  /** Where spans are posted to. */
  readonly otlpUrl: string
  /** Of the traces that begin here, how many are kept; 0 to 1. */
  readonly sampleRatio: number
  readonly serviceName: string
}

/** Told once for each change. */
export type OnExportChange = (isFailing: boolean) => void

/** Spans that wait for export; what comes beyond is dropped. */
const MAX_QUEUED = 4_096
/** To export one batch, with the exporter's own retries. Milliseconds. */
const EXPORT_MS = 5_000
/** For the last batches, within the time that the process has to leave. Milliseconds. */
const CLOSE_MS = 2_000

export function openTracing(
  { otlpUrl, sampleRatio, serviceName }: TracingSettings,
  clock: Clock,
  onExportChange: OnExportChange,
): Tracer {
  const exporter = new OTLPTraceExporter({ url: otlpUrl, timeoutMillis: EXPORT_MS })
  const batches = new BatchSpanProcessor(watched(exporter, onExportChange), {
    maxQueueSize: MAX_QUEUED,
    exportTimeoutMillis: EXPORT_MS + 1_000,
  })
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.instance.id': randomUUID(),
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [batches],
  })
  return new ExportingTracer(provider, clock)
}

/** What OpenTelemetry calls success. */
const EXPORTED = 0

function watched(exporter: SpanExporter, onChange: OnExportChange): SpanExporter {
  let wasFailing = false
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const isFailing = result.code !== EXPORTED
        if (isFailing !== wasFailing) onChange(isFailing)
        wasFailing = isFailing
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
  }
}

class ExportingTracer implements Tracer {
  readonly isOn = true
  readonly #provider: BasicTracerProvider
  readonly #tracer: OtelTracer
  readonly #clock: Clock

  constructor(provider: BasicTracerProvider, clock: Clock) {
    this.#provider = provider
    this.#tracer = provider.getTracer('layby')
    this.#clock = clock
  }

  request({ parent, method, route, startedAt }: Arrival): Span {
    if (parent !== null && !parent.isSampled) return new SilentSpan(parent)
    const time = this.#timeline()
    const options = { kind: SpanKind.SERVER, startTime: time.at(startedAt) }
    const around = parent === null ? ROOT_CONTEXT : contextOf(parent)
    const name = route === null ? method : `${method} ${route}`
    const span = this.#tracer.startSpan(name, options, around)
    if (!span.isRecording()) return new SilentSpan(contextFrom(span, parent))
    span.setAttributes(present({ 'http.request.method': method, 'http.route': route }))
    return new ExportedSpan(this.#tracer, span, time, parent?.state ?? null)
  }

  refresh(route: string, cause: Span | null): Span {
    const time = this.#timeline()
    const options = {
      startTime: time.now(),
      attributes: { 'http.route': route },
      links: cause?.context.isSampled ? [{ context: spanContextOf(cause.context) }] : [],
    }
    const span = this.#tracer.startSpan('refresh', options, ROOT_CONTEXT)
    if (!span.isRecording()) return new SilentSpan(contextFrom(span, null))
    return new ExportedSpan(this.#tracer, span, time, null)
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS)
    })
    // That the last batch could not be exported, its export has told.
    await Promise.race([this.#provider.shutdown().catch(() => {}), late])
    clearTimeout(timer)
  }

  #timeline(): Timeline {
    return new Timeline(this.#clock)
  }
}

/** Times of one request, in milliseconds since 1970: the wall clock is read once, and can't jump in between. */
class Timeline {
  readonly #clock: Clock
  readonly #origin: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#origin = clock.wall() - clock.monotonic()
  }

  at(monotonic: number): number {
    return this.#origin + monotonic
  }

  now(): number {
    return this.at(this.#clock.monotonic())
  }
}

class ExportedSpan implements Span {
  readonly context: TraceContext
  readonly #tracer: OtelTracer
  readonly #span: OtelSpan
  readonly #time: Timeline

  constructor(tracer: OtelTracer, span: OtelSpan, time: Timeline, state: string | null) {
    const { traceId, spanId } = span.spanContext()
    this.context = { traceId, spanId, isSampled: true, state }
    this.#tracer = tracer
    this.#span = span
    this.#time = time
  }

  begin(part: Part): Span {
    const kind = part === 'upstream' ? SpanKind.CLIENT : SpanKind.INTERNAL
    const options = { kind, startTime: this.#time.now() }
    const span = this.#tracer.startSpan(part, options, trace.setSpan(ROOT_CONTEXT, this.#span))
    return new ExportedSpan(this.#tracer, span, this.#time, this.context.state)
  }

  event(name: string, attributes: Attributes): void {
    this.#span.addEvent(name, present(attributes), this.#time.now())
  }

  link(to: TraceContext): void {
    if (to.isSampled) this.#span.addLink({ context: spanContextOf(to) })
  }

  end(attributes: Attributes, error: string | null): void {
    this.#span.setAttributes(present({ ...attributes, 'error.type': error }))
    if (error !== null) this.#span.setStatus({ code: SpanStatusCode.ERROR })
    this.#span.end(this.#time.now())
  }
}

function present(attributes: Attributes): Record<string, string | number> {
  const kept: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(attributes)) if (value !== null) kept[name] = value
  return kept
}

function spanContextOf({ traceId, spanId, isSampled }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: isSampled ? 1 : 0 }
}

function contextOf(parent: TraceContext) {
  const state = parent.state === null ? {} : { traceState: createTraceState(parent.state) }
  return trace.setSpanContext(ROOT_CONTEXT, { ...spanContextOf(parent), ...state, isRemote: true })
}

function contextFrom(span: OtelSpan, parent: TraceContext | null): TraceContext {
  const { traceId, spanId } = span.spanContext()
  return { traceId, spanId, isSampled: false, state: parent?.state ?? null }
}
