/** A collector of spans: OTLP over HTTP, in JSON, on a free port. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface CollectedSpan {
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client'
  readonly traceId: string
  readonly spanId: string
  /** Empty: none. */
  readonly parentSpanId: string
  readonly traceState: string
  readonly attributes: Record<string, unknown>
  readonly events: readonly {
    readonly name: string
    readonly attributes: Record<string, unknown>
  }[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly isError: boolean
}

export interface Collector {
  /** To be posted to. */
  readonly url: string
  readonly spans: readonly CollectedSpan[]
  /** What the spans say of the process they come from. */
  readonly resources: readonly Record<string, unknown>[]
  /** All that has come, as it came. */
  readonly received: () => string
  /** What is answered from now on; null: nothing is. */
  answer(status: number | null): void
}

interface Value {
  readonly stringValue?: string
  readonly intValue?: number
}
interface Attribute {
  readonly key: string
  readonly value: Value
}
interface SentSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly attributes: readonly Attribute[]
  readonly events: readonly { readonly name: string; readonly attributes: readonly Attribute[] }[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status: { readonly code?: number }
}
interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[]
  }[]
}

export async function startCollector(t: Test): Promise<Collector> {
  const spans: CollectedSpan[] = []
  const resources: Record<string, unknown>[] = []
  let received = ''
  let status: number | null = 200
  const server = createServer(async (req, res) => {
    let text = ''
    for await (const chunk of req.setEncoding('utf8')) text += chunk
    received += text
    if (status === 200) {
      for (const { resource, scopeSpans } of (JSON.parse(text) as Batch).resourceSpans) {
        resources.push(plain(resource.attributes))
        for (const { spans: sent } of scopeSpans) spans.push(...sent.map(collected))
      }
    }
    if (status === null) return
    res.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => closed(server))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`
  const answer = (next: number | null): void => {
    status = next
  }
  return { url, spans, resources, received: () => received, answer }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

const KINDS = ['internal', 'internal', 'server', 'client'] as const

function collected(span: SentSpan): CollectedSpan {
  const { name, traceId, spanId, parentSpanId = '', traceState = '', links = [] } = span
  return {
    name,
    kind: KINDS[span.kind] ?? 'internal',
    traceId,
    spanId,
    parentSpanId,
    traceState,
    attributes: plain(span.attributes),
    events: span.events.map((event) => ({
      name: event.name,
      attributes: plain(event.attributes),
    })),
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    isError: span.status.code === 2,
  }
}

function plain(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value]),
  )
}
