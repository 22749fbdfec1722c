/**
 * One request that passes through to the upstream: what is known of it before it leaves, and the order in
 * which a write is announced, sent, settled and answered (design section 4).
 */
import type { Readable } from 'node:stream'
import type { VersionPins } from '../auth/version-pins.ts'
import type { FenceStamp } from '../cache/fence.ts'
import { type Invalidator, readsBodies, type WriteOutcome } from '../cache/invalidation.ts'
import type { Outcome } from '../cache/outcome.ts'
import type { HeaderList } from '../cache/records.ts'
import type { Reporter } from '../cache/report.ts'
import { headerValue } from '../cache/representation.ts'
import type { RequestCredential } from '../cache/request.ts'
import type { Standings } from '../cache/standing.ts'
import type { RouteMatch, WriteMatch } from '../contract/routes.ts'
import type { Clock } from '../lib/clock.ts'
import type { Span } from '../lib/tracer.ts'
import { endCall, failCall } from '../upstream/call-span.ts'
import { checkedHeaders, failureOf, reasonOf, type UpstreamClient } from '../upstream/client.ts'
import { announcedLength, type Body, gather } from '../upstream/gather.ts'
import { passedHeaders } from '../upstream/headers.ts'
import type { BodyTap } from './body-tap.ts'
import type { RequestHead } from './validate.ts'

/** What the pipeline knows of a request that passes through. */
export interface Passage {
  readonly head: RequestHead
  /** Null only on a CORS preflight. */
  readonly credential: RequestCredential | null
  readonly outcome: Outcome
  /** Below a cached resource: what the write makes stale. */
  readonly write: WriteMatch | null
  /** On a cached route, skipping the cache. */
  readonly read: RouteMatch | null
  /** Name of the cached route, or id of the write row; null: neither. */
  readonly route: string | null
  /** The request, as its trace tells of it. */
  readonly span: Span
}

export interface PassageDependencies {
  readonly client: UpstreamClient
  readonly invalidator: Invalidator
  readonly standings: Standings
  readonly pins: VersionPins
  readonly clock: Clock
  readonly reporter: Reporter
}

/** An answer of the upstream, checked, its body not yet read. */
export interface PassedAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly body: Readable | Buffer
}

/** The answer breaks HTTP: an impossible status, or headers that are none. */
export class InvalidAnswer extends Error {
  override readonly name = 'InvalidAnswer'
}

/** Longest answer of a write that is read for the ids in it. */
const MAX_READ_BYTES = 65_536
/** Longest body that is passed on whole; longer ones are streamed. */
const MAX_WHOLE_BYTES = 16_384

/** What came of sending. Until something came, the outcome of a write is unknown. */
interface Exchange {
  readonly answer: PassedAnswer
  readonly outcome: WriteOutcome
}

const UNKNOWN: WriteOutcome = { status: null, requestBody: null, responseBody: null }

/**
 * Sends the request and gives its answer, everything that follows from it done. Rejects when no valid
 * answer comes; a write is settled as one of unknown outcome first. A write is sent exactly once.
 */
export async function conduct(
  passage: Passage,
  rawHeaders: readonly string[],
  body: BodyTap | null,
  deps: PassageDependencies,
): Promise<PassedAnswer> {
  const { head, credential, write } = passage
  // 1. A write is announced: from here on nothing that it may change is served or stored.
  const announced =
    write === null ? null : await deps.invalidator.announce(head.tenant ?? '', write)
  const stamp = credential === null ? [] : await deps.standings.open(credential.partition)
  const sentAt = deps.clock.monotonic()
  let outcome = UNKNOWN
  try {
    // 2. Send, and learn the outcome.
    const exchange = await send(passage, rawHeaders, body, deps)
    outcome = exchange.outcome
    // 3. What the status says of the credential.
    await learn(passage, exchange.answer.status, sentAt, stamp, deps)
    return exchange.answer
  } finally {
    // 4. Settle before the client is answered: whoever reads after that reads the new state.
    if (announced !== null) {
      await deps.invalidator.settle(announced, outcome)
      deps.reporter.invalidated('write')
    }
  }
}

async function learn(
  { head, credential, write, read }: Passage,
  status: number,
  sentAt: number,
  stamp: FenceStamp,
  { standings }: PassageDependencies,
): Promise<void> {
  if (credential === null || head.tenant === null) return
  const { tenant } = head
  const vouches = write !== null || read !== null
  const resource = read === null ? null : { route: read.route.name, params: read.params }
  await standings.learn({ tenant, credential, status, sentAt, stamp, vouches, resource })
}

/** Holds the version pin in doubt while the request is on its way. */
async function send(
  passage: Passage,
  rawHeaders: readonly string[],
  body: BodyTap | null,
  { pins, client }: PassageDependencies,
): Promise<Exchange> {
  const { credential, head, write } = passage
  const pin = credential === null ? null : pins.begin(credential.partition, head.version)
  let version: string | null = null
  try {
    const answer = await relay(passage, rawHeaders, body, client)
    version = headerValue(answer.headers, 'x-api-version')
    if (write === null || !readsBodies(write)) {
      return { answer, outcome: { ...UNKNOWN, status: answer.status } }
    }
    const received = await readUp(answer)
    const { status } = answer
    const outcome = { status, requestBody: body?.text ?? null, responseBody: received.text }
    return { answer: received.answer, outcome }
  } finally {
    if (pin !== null) pins.end(pin, version)
  }
}

/** The call lasts until the answer is there, or its head, if the body is streamed. */
async function relay(
  passage: Passage,
  rawHeaders: readonly string[],
  body: BodyTap | null,
  client: UpstreamClient,
): Promise<PassedAnswer> {
  const { method } = passage.head
  const call = passage.span.begin('upstream')
  try {
    const headers = passedHeaders(
      rawHeaders,
      passage.head.requestId,
      passage.read !== null,
      call.context,
    )
    const answer = await receive(passage, headers, body, client)
    endCall(call, method, answer.status)
    return answer
  } catch (error) {
    failCall(call, method, failureOf(error).kind)
    throw error
  }
}

async function receive(
  { head }: Passage,
  requestHeaders: string[],
  body: BodyTap | null,
  client: UpstreamClient,
): Promise<PassedAnswer> {
  const response = await client.relay({
    method: head.method,
    path: head.query === null ? head.path : `${head.path}?${head.query}`,
    headers: requestHeaders,
    body,
  })
  const headers = checkedHeaders(response)
  if (headers === null) {
    response.body.destroy()
    throw new InvalidAnswer('the upstream sent no valid answer')
  }
  const answer = { status: response.statusCode, reason: reasonOf(response), headers }
  const length = announcedLength(headers)
  // A short body is not worth a stream: read whole, it leaves in one write with the head.
  if (length === null || length > MAX_WHOLE_BYTES || head.method === 'HEAD') {
    return { ...answer, body: response.body }
  }
  const gathered = await gather(response.body, length, MAX_WHOLE_BYTES)
  return { ...answer, body: gathered.kind === 'whole' ? gathered.body : gathered.stream }
}

/** Reads the body, if it is short enough, and puts what was read in its place. */
async function readUp(
  answer: PassedAnswer,
): Promise<{ readonly answer: PassedAnswer; readonly text: string | null }> {
  if (Buffer.isBuffer(answer.body)) return { answer, text: answer.body.toString('utf8') }
  const length = announcedLength(answer.headers)
  const gathered = await gather(answer.body as Body, length, MAX_READ_BYTES)
  return gathered.kind === 'whole'
    ? { answer: { ...answer, body: gathered.body }, text: gathered.body.toString('utf8') }
    : { answer: { ...answer, body: gathered.stream }, text: null }
}
