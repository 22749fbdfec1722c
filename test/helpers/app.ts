import type { Test } from 'tap'
import { Agent } from 'undici'
import { buildApp, type Overrides } from '../../src/app.ts'
import type { Report } from '../../src/cache/report.ts'
import { parseConfig } from '../../src/config/load.ts'
import { createLogger } from '../../src/lib/logger.ts'
import { FakeClock } from './clock.ts'

export const VERSION = '2023/04/19'

/** Headers of a plain valid read. */
export const HEADERS = {
  authorization: 'Bearer token-one.aaaa',
  'x-tenant-id': '7',
  'x-api-version': VERSION,
} as const

export interface Reply {
  readonly status: number
  readonly reason: string
  /** Names in lower case. */
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: string
}

export interface Ask {
  readonly method?: string
  /** Added to `HEADERS`; undefined takes one away. */
  readonly headers?: Record<string, string | string[] | undefined>
  readonly body?: string
}

export interface TestApp {
  readonly url: string
  readonly opsUrl: string
  readonly clock: FakeClock
  /** What was reported of each finished request, in order. */
  readonly reports: readonly Report[]
  /** All that was logged, as text. */
  readonly logged: () => string
  get(path: string, ask?: Ask): Promise<Reply>
  /** Resolves when so many cached reads have been looked up in all: they have joined what they will join. */
  lookedUp(count: number): Promise<void>
  /** Forgets what was reported and logged: a run of a million requests would need gigabytes for it. */
  forget(): void
  /** As the process closes it. It is closed anyway when the test ends. */
  close(): Promise<void>
}

/** `FAST_PATH=off`: the suites run without the wire front end. */
export const FAST_PATH = process.env['FAST_PATH'] !== 'off'

const SERVER = { port: 0, fastPath: FAST_PATH, drainDelayMs: 0, maxEventLoopDelayMs: 0 }

type Values = Record<string, unknown>

/**
 * The real wiring, on free ports, in front of `upstreamUrl`, with a clock that stands still and no
 * jitter. Closed when the test ends.
 */
export async function buildTestApp(
  t: Test,
  upstreamUrl: string,
  values: { readonly [group: string]: Values } = {},
  overrides: Overrides = {},
): Promise<TestApp> {
  const clock = new FakeClock()
  const reports: Report[] = []
  const lines: string[] = []
  const waiting: { count: number; done: () => void }[] = []
  let lookups = 0
  const config = parseConfig({
    ...values,
    // Client, proxy and upstream share one event loop here: what it takes is no pressure on the proxy.
    server: { ...SERVER, ...values['server'] },
    ops: { port: 0, ...values['ops'] },
    upstream: { url: upstreamUrl, ...values['upstream'] },
    secret: values['secret'] ?? 'a secret for tests only, 32 long and more',
    // What is served stale is a subject of its own.
    cache: { ttlJitter: 0, staleWhileRevalidateMs: 0, staleIfErrorMs: 0, ...values['cache'] },
  })
  const log = createLogger('trace', { write: (line: string) => void lines.push(line) })
  const app = await buildApp(config, {
    clock,
    log,
    ...overrides,
    reporter: {
      ...overrides.reporter,
      finished: (report) => {
        reports.push(report)
        overrides.reporter?.finished?.(report)
      },
      lookedUp: (milliseconds) => {
        lookups++
        overrides.reporter?.lookedUp?.(milliseconds)
        for (const { count, done } of waiting) if (lookups >= count) done()
      },
    },
  })
  const { url, opsUrl } = await app.listen()
  const agent = new Agent({ connections: 2048, pipelining: 1 })
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= agent.destroy().then(() => app.close())
    return closing
  }
  t.teardown(close)
  const get = async (path: string, ask: Ask = {}): Promise<Reply> => {
    const response = await agent.request({
      origin: url,
      path,
      method: (ask.method ?? 'GET') as 'GET',
      headers: definedHeaders(ask.headers ?? {}),
      body: ask.body ?? null,
    })
    return {
      status: response.statusCode,
      reason: response.statusText,
      headers: response.headers,
      body: await response.body.text(),
    }
  }
  const lookedUp = (count: number): Promise<void> =>
    lookups >= count ? Promise.resolve() : new Promise((done) => waiting.push({ count, done }))
  const forget = (): void => {
    reports.length = 0
    lines.length = 0
  }
  const clockInUse = (overrides.clock as FakeClock | undefined) ?? clock
  const logged = (): string => lines.join('')
  return { url, opsUrl, clock: clockInUse, reports, logged, get, lookedUp, forget, close }
}

function definedHeaders(more: NonNullable<Ask['headers']>): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries({ ...HEADERS, ...more })) {
    if (value !== undefined) headers[name] = value
  }
  return headers
}
