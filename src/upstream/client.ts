/**
 * The upstream, through one undici pool for fills and pass-through alike. No interceptor, no redirect, no
 * retry; the certificate is always verified. A failure is a value, and says nothing of addresses.
 */
import { type Dispatcher, Pool } from 'undici'
import type { UpstreamAnswer, UpstreamFailure } from '../cache/ports.ts'
import type { HeaderList } from '../cache/records.ts'
import type { Clock } from '../lib/clock.ts'
import type { Span } from '../lib/tracer.ts'
import { endCall, failCall } from './call-span.ts'
import { Connector } from './connector.ts'
import { announcedLength, gather } from './gather.ts'
import { endToEndHeaders, type ReadHeaders, readHeaders } from './headers.ts'
import { RetryBudget } from './retry-budget.ts'

export interface UpstreamOptions {
  readonly url: string
  readonly connectTimeoutMs: number
  /** From the request having been sent to the last byte of the answer's head. */
  readonly headersTimeoutMs: number
  /** Longest pause within a body. */
  readonly bodyTimeoutMs: number
  readonly connections: number
  /** PEM of the authorities to trust in place of the system's; null: the system's. */
  readonly ca: string | null
  /** Bodies up to this size are read whole. */
  readonly maxBodyBytes: number
  readonly clock: Clock
}

/** A read, to be put to the upstream. */
interface Question {
  readonly path: string
  readonly headers: ReadHeaders
  readonly signal: AbortSignal
}

/** The upstream has begun to answer. */
interface Call {
  readonly response: Dispatcher.ResponseData
  readonly span: Span
}

export class UpstreamClient {
  readonly #pool: Pool
  readonly #options: UpstreamOptions
  /** Path of `upstream.url`, without a final slash: goes before every path. */
  readonly #base: string
  readonly #retries = new RetryBudget()
  readonly #connector: Connector

  constructor(options: UpstreamOptions) {
    const url = new URL(options.url)
    this.#options = options
    this.#base = url.pathname.replace(/\/+$/, '')
    this.#connector = new Connector(options.connectTimeoutMs, options.ca)
    this.#pool = new Pool(url.origin, {
      connections: options.connections,
      pipelining: 1,
      headersTimeout: options.headersTimeoutMs,
      bodyTimeout: options.bodyTimeoutMs,
      connect: this.#connector.connect,
    })
  }

  /**
   * Reads `path` whole. Settles by `deadline` (monotonic milliseconds) at the latest; a body above
   * `maxBodyBytes` is handed over as a stream, on which only the pause within the body is limited.
   */
  async read(path: string, headers: ReadHeaders, deadline: number): Promise<UpstreamAnswer> {
    const { clock } = this.#options
    const sentAt = clock.monotonic()
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), Math.max(0, deadline - sentAt))
    try {
      const question = { path: this.#base + path, headers, signal: abort.signal }
      return await this.#receive(await this.#askTwice(question), sentAt)
    } catch (error) {
      return failureOf(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Sends a request that passes through. The one difference to undici's own `request`: `path` gets the base. */
  async relay(
    options: Omit<Dispatcher.RequestOptions, 'origin'>,
  ): Promise<Dispatcher.ResponseData> {
    return this.#request({ ...options, path: this.#base + options.path })
  }

  /**
   * A read that met a connection which the upstream was just closing is sent once more (reliability F31).
   * Only a read, and only within the budget: whatever else fails is an answer of its own.
   */
  async #askTwice(question: Question): Promise<Call> {
    this.#retries.earn()
    try {
      return await this.#ask(question)
    } catch (error) {
      if (!this.#connector.diedInUse(error) || !this.#retries.spend()) throw error
      return this.#ask(question)
    }
  }

  /** Each time under a span of its own: the upstream can tell the two apart. */
  async #ask({ path, headers, signal }: Question): Promise<Call> {
    const span = headers.span.begin('upstream')
    try {
      const response = await this.#request({
        method: 'GET',
        path,
        headers: readHeaders(headers, span.context),
        signal,
      })
      return { response, span }
    } catch (error) {
      failCall(span, 'GET', failureOf(error).kind)
      throw error
    }
  }

  async #request(
    options: Omit<Dispatcher.RequestOptions, 'origin'>,
  ): Promise<Dispatcher.ResponseData> {
    const response = await this.#pool.request({ ...options, responseHeaders: 'raw' })
    // undici makes an error of giving up a body. Who reads it hears of that by the read; where nobody
    // does, an `error` without a listener would end the process.
    response.body.on('error', () => {})
    return response
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async #receive({ response, span }: Call, sentAt: number): Promise<UpstreamAnswer> {
    try {
      const answer = await this.#checkAndGather(response, sentAt)
      if ('status' in answer) endCall(span, 'GET', answer.status)
      else failCall(span, 'GET', answer.kind)
      return answer
    } catch (error) {
      failCall(span, 'GET', failureOf(error).kind)
      throw error
    }
  }

  async #checkAndGather(
    response: Dispatcher.ResponseData,
    sentAt: number,
  ): Promise<UpstreamAnswer> {
    const { statusCode: status, body } = response
    const reason = reasonOf(response)
    const headers = checkedHeaders(response)
    if (headers === null) {
      body.destroy()
      return { kind: 'unreachable' }
    }
    const length = announcedLength(headers)
    const gathered = await gather(body, length, this.#options.maxBodyBytes)
    const head = { status, reason, headers, sentAt }
    return gathered.kind === 'whole'
      ? { kind: 'buffered', ...head, body: gathered.body }
      : { kind: 'streamed', ...head, stream: gathered.stream }
  }
}

/** The answer's headers; null if the answer is not one that HTTP allows. */
export function checkedHeaders({
  statusCode,
  headers,
}: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>): HeaderList | null {
  if (statusCode < 200 || statusCode > 599) return null
  return endToEndHeaders(headers as unknown as string[])
}

/**
 * The reason phrase, one character a byte, as `writeHead` takes it. undici has read the bytes as UTF-8;
 * where they were not, they are lost, and none is better than a wrong one.
 */
export function reasonOf({ statusText }: Pick<Dispatcher.ResponseData, 'statusText'>): string {
  return statusText.includes('\ufffd') ? '' : Buffer.from(statusText, 'utf8').toString('latin1')
}

const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_ABORTED',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])

/** What went wrong, as far as a client may know. */
export function failureOf(error: unknown): UpstreamFailure {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown }
  const timedOut = name === 'AbortError' || (typeof code === 'string' && TIMEOUTS.has(code))
  return { kind: timedOut ? 'timeout' : 'unreachable' }
}

/** Sockets and undici give each error a code, but for the parser's: one without is a fault of our own. */
export function isUpstreamFault(error: unknown): boolean {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown }
  return typeof code === 'string' || name === 'HTTPParserError'
}
