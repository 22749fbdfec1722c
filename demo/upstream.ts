import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Answer, ApiRequest } from './api.ts'
import { headersOf } from './api.ts'
import { Controls } from './controls.ts'
import { seededRandom } from './data.ts'
import type { Failure } from './failure.ts'
import { altered, alteredHeaders, breakOff, runsOperation, sendBody } from './failure.ts'
import type { ReceivedRequest, RequestMatcher } from './journal.ts'
import { Journal } from './journal.ts'
import { handleManagement } from './management.ts'
import { refuse } from './reply.ts'
import { UpstreamState } from './state.ts'

export interface SampleUpstreamOptions {
  readonly host?: string
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** Customers 1 to this number exist in every tenant; 1,000 by default. Costs nothing until read. */
  readonly customersPerTenant?: number
  /** Another seed, another set of data. */
  readonly seed?: number
  readonly delayMs?: number
  readonly jitterMs?: number
  /** Length of `journal.log`; 1,000 by default. */
  readonly logLimit?: number
  /** How many customers that were only read stay in memory; 50,000 by default. */
  readonly pristineLimit?: number
}

/** An answer as sent, for oracles that need all the upstream ever gave to whom. */
export interface SentAnswer {
  readonly request: ReceivedRequest
  readonly status: number
  readonly body: Buffer
}

export interface SampleUpstream {
  /** `http://host:port`, no final slash. */
  readonly url: string
  readonly port: number
  readonly state: UpstreamState
  readonly controls: Controls
  readonly journal: Journal
  /** `journal.received`. */
  received(wanted: number | RequestMatcher): Promise<ReceivedRequest>
  /** Calls the listener with each answer that is about to be sent whole. */
  onAnswer(listener: (sent: SentAnswer) => void): void
  /** Lets go what is held, breaks all connections and stops. */
  close(): Promise<void>
}

/** Starts an upstream that behaves as the API contract says, with data and users of its own. */
export async function startSampleUpstream(
  options: SampleUpstreamOptions = {},
): Promise<SampleUpstream> {
  const { host = '127.0.0.1', port = 0, seed = 1, logLimit = 1_000 } = options
  const { customersPerTenant = 1_000, pristineLimit = 50_000 } = options
  const state = new UpstreamState({ seed, customersPerTenant, pristineLimit })
  const controls = new Controls(seededRandom(`controls/${seed}`))
  const journal = new Journal(logLimit)
  controls.setLatency({ delayMs: options.delayMs ?? 0, jitterMs: options.jitterMs ?? 0 })
  const listeners = new Set<(sent: SentAnswer) => void>()
  const server = createServer(listen({ state, controls, journal, listeners }))
  // Longer than any idle time of a pool in front, so that reuse never races our closing.
  server.keepAliveTimeout = 75_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const bound = (server.address() as AddressInfo).port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    state,
    controls,
    journal,
    received: (wanted) => journal.received(wanted),
    onAnswer: (listener) => listeners.add(listener),
    close: () => close(server, controls),
  }
}

function close(server: Server, controls: Controls): Promise<void> {
  controls.clear()
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

interface Parts {
  readonly state: UpstreamState
  readonly controls: Controls
  readonly journal: Journal
  readonly listeners: ReadonlySet<(sent: SentAnswer) => void>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

function listen(parts: Parts): Handler {
  return (request, response) => {
    const { method = '', url = '' } = request
    if (url.startsWith('/__')) {
      handleManagement(request, response, parts)
      return
    }
    const entry = parts.journal.record(method, url, request.rawHeaders)
    // The measured path: a read with no control set is answered in the same turn.
    if (method === 'GET' && parts.controls.idle && !hasBody(request)) {
      send(parts, { entry, request, response }, parts.state.answer(apiRequest(request, entry)))
      return
    }
    // Only a connection that broke lands in the catch: there is nobody left to answer.
    exchange(parts, { entry, request, response }).catch(() => response.destroy())
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

interface Exchange {
  readonly entry: ReceivedRequest
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

function apiRequest({ headers }: IncomingMessage, entry: ReceivedRequest): ApiRequest {
  return {
    method: entry.method,
    path: entry.path,
    query: entry.url.slice(entry.path.length + 1),
    authorization: headers.authorization,
    tenantId: single(headers['x-tenant-id']),
    apiVersion: single(headers['x-api-version']),
  }
}

const MAX_BODY_BYTES = 1_048_576

async function readBody({ request, entry }: Exchange): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) {
    entry.bodyLength += chunk.length
    if (entry.bodyLength <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The long way: body, holds, delay, failures, in the order in which a real exchange meets them. */
async function exchange(parts: Parts, current: Exchange): Promise<void> {
  const { controls, state } = parts
  const { entry, request, response } = current
  const body = await readBody(current)
  await controls.pass('arrival', entry)
  const failure = controls.takeFailure(entry) ?? {}
  await controls.delay()
  const asked = { ...apiRequest(request, entry), body }
  const answer = runsOperation(failure) ? carryOut(state, asked, entry) : NOT_DONE
  await controls.pass('answer', entry)
  if (response.destroyed || breakOff(response, failure)) return
  send(parts, current, altered(answer, failure), failure)
}

/** Stands in for the answer of an operation that a failure kept from running. */
const NOT_DONE: Answer = {
  ...refuse({ status: 500, field: 'Upstream.failure', detail: 'Not carried out.' }),
  allow: undefined,
  apiVersion: '2019/02/08',
}

function carryOut(state: UpstreamState, asked: ApiRequest, entry: ReceivedRequest): Answer {
  if (entry.bodyLength <= MAX_BODY_BYTES) return state.answer(asked)
  return { ...NOT_DONE, ...refuse({ status: 413, field: 'Request.body', detail: 'Too large.' }) }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function requestId(request: IncomingMessage): string {
  const given = single(request.headers['x-request-id'])
  return given !== undefined && UUID.test(given) ? given : randomUUID()
}

function send(parts: Parts, current: Exchange, answer: Answer, failure?: Failure): void {
  const { entry, request, response } = current
  const { status, reason, body } = answer
  const own = headersOf(answer)
  own.push('X-REQUEST-ID', requestId(request))
  const headers = failure === undefined ? own : alteredHeaders(own, failure)
  if (failure?.truncate !== true && failure?.stall !== true) {
    for (const listener of parts.listeners) listener({ request: entry, status, body })
  }
  response.writeHead(status, reason, headers)
  if (failure === undefined) response.end(body)
  else sendBody(response, body, failure)
}
