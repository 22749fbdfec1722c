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
import type { Report, Reporter } from '../cache/report.ts'
import { headerValue } from '../cache/representation.ts'
import type { RequestCredential } from '../cache/request.ts'
import type { Standings } from '../cache/standing.ts'
import type { RouteMatch, WriteMatch } from '../contract/routes.ts'
import type { Clock } from '../lib/clock.ts'
import type { Span } from '../lib/tracer.ts'
import { endCall, failCall } from '../upstream/call-span.ts'
import {
  checkedHeaders,
  failureOf,
  isUpstreamFault,
  reasonOf,
  type UpstreamClient,
} from '../upstream/client.ts'
import { type PassedOn, passedHeaders, passedOn } from '../upstream/headers.ts'
import type { BodyTerms } from '../upstream/reception.ts'
import { type BodyTap, ContentTooLarge } from './body-tap.ts'
import type { ProblemCode } from './problems.ts'
import { endRequest } from './request-traces.ts'
import type { RawRequest, RequestHead } from './validate.ts'

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
  /** When it arrived, in monotonic milliseconds. */
  readonly startedAt: number
}

export interface PassageDependencies {
  readonly client: UpstreamClient
  readonly invalidator: Invalidator
  readonly standings: Standings
  readonly pins: VersionPins
  readonly clock: Clock
  readonly reporter: Reporter
}

/** An answer of the upstream, checked; its body is here if it is short, and else comes as a stream. */
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

/** The answer of a write that is read for the ids in it. */
const READ: BodyTerms = { maxWholeBytes: 65_536, waitsForUnannounced: true }
/** A short body is not worth a stream; one of unknown length may be meant to come bit by bit. */
const PASSED_ON: BodyTerms = { maxWholeBytes: 16_384, waitsForUnannounced: false }

export type { PassedOn }

type WithHeaders = Pick<RawRequest, 'rawHeaders'>

interface Sending {
  readonly raw: WithHeaders
  readonly body: BodyTap | null
  /** Called right before the first byte leaves. */
  readonly onSend: () => void
}

/** What came of sending. */
interface Exchange {
  readonly answer: PassedAnswer
  readonly outcome: WriteOutcome
}

const NOTHING_KNOWN = { status: null, requestBody: null, responseBody: null }
/** Of a write of which no byte has left. */
const UNSENT: WriteOutcome = { isSent: false, ...NOTHING_KNOWN }
/** Of a write whose head has left, until an answer comes. */
const UNKNOWN: WriteOutcome = { isSent: true, ...NOTHING_KNOWN }

/**
 * Sends the request and gives its answer, everything that follows from it done. Rejects when no valid
 * answer comes; a write is settled as one of unknown outcome first. A write is sent exactly once.
 */
export async function conduct(
  passage: Passage,
  raw: WithHeaders,
  body: BodyTap | null,
  deps: PassageDependencies,
): Promise<PassedAnswer> {
  const { head, credential, write } = passage
  // 1. A write is announced: from here on nothing that it may change is served or stored.
  const announced =
    write === null ? null : await deps.invalidator.announce(head.tenant ?? '', write)
  const stamp =
    credential === null || !vouches(passage) ? [] : await deps.standings.open(credential.partition)
  const sentAt = deps.clock.monotonic()
  let outcome = UNSENT
  const onSend = (): void => {
    outcome = UNKNOWN
  }
  try {
    // 2. Send, and learn the outcome.
    const exchange = await send(passage, { raw, body, onSend }, deps)
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
  passage: Passage,
  status: number,
  sentAt: number,
  stamp: FenceStamp,
  { standings }: PassageDependencies,
): Promise<void> {
  const { head, credential, read } = passage
  if (credential === null || head.tenant === null) return
  const { tenant } = head
  const resource = read === null ? null : { route: read.route.name, params: read.params }
  const says = { tenant, credential, status, sentAt, stamp, vouches: vouches(passage), resource }
  await standings.learn(says)
}

/** Whether its success would say that the credential is good for this tenant's resources. */
function vouches({ write, read }: Passage): boolean {
  return write !== null || read !== null
}

/** Holds the version pin in doubt while the request is on its way. */
async function send(
  passage: Passage,
  sending: Sending,
  { pins, client }: PassageDependencies,
): Promise<Exchange> {
  const { credential, head, write } = passage
  const pin = credential === null ? null : pins.begin(credential.partition, head.version)
  let version: string | null = null
  try {
    const answer = await relay(passage, sending, client)
    version = headerValue(answer.headers, 'x-api-version')
    const { status } = answer
    if (!readsAnswer(write)) return { answer, outcome: { ...UNKNOWN, status } }
    const responseBody = Buffer.isBuffer(answer.body) ? answer.body.toString('utf8') : null
    const requestBody = sending.body?.text ?? null
    const outcome = { isSent: true, status, requestBody, responseBody }
    return { answer, outcome }
  } finally {
    if (pin !== null) pins.end(pin, version)
  }
}

/** The call lasts until the answer is there, or its head, if the body is streamed. */
async function relay(
  passage: Passage,
  sending: Sending,
  client: UpstreamClient,
): Promise<PassedAnswer> {
  const { method } = passage.head
  const call = passage.span.begin('upstream')
  try {
    const passed = notedHeaders(passage, sending.raw)
    const headers = passedHeaders(passed, passage.head.requestId, call.context)
    const answer = await receive(passage, headers, sending, client)
    endCall(call, method, answer.status)
    return answer
  } catch (error) {
    failCall(call, method, failureOf(error).kind)
    throw error
  }
}

/** Made once for all heads that differ in nothing but their request id and trace, which are none of it. */
function notedHeaders({ head, read }: Passage, raw: WithHeaders): PassedOn {
  head.notes.passedOn ??= passedOn(raw.rawHeaders, read !== null)
  return head.notes.passedOn
}

async function receive(
  { head, write }: Passage,
  headers: string[],
  { body, onSend }: Sending,
  client: UpstreamClient,
): Promise<PassedAnswer> {
  const { method, path, query } = head
  const target = query === null ? path : `${path}?${query}`
  const question = { method, path: target, headers, body, onSend }
  const received = await client.relay(question, readsAnswer(write) ? READ : PASSED_ON)
  const checked = checkedHeaders(received)
  if (checked === null) {
    if (!Buffer.isBuffer(received.body)) received.body.destroy()
    throw new InvalidAnswer('the upstream sent no valid answer')
  }
  const { status } = received
  return { status, reason: reasonOf(received), headers: checked, body: received.body }
}

/** Whether what the write changes is found in bodies. */
function readsAnswer(write: WriteMatch | null): boolean {
  return write !== null && readsBodies(write)
}

/** What the client is told of the error that `conduct` rejected with. */
export function problemOf(error: unknown): ProblemCode {
  if (error instanceof ContentTooLarge) return 'content_too_large'
  if (error instanceof InvalidAnswer) return 'upstream_unreachable'
  if (!isUpstreamFault(error)) return 'internal_error'
  return failureOf(error).kind === 'timeout' ? 'upstream_timeout' : 'upstream_unreachable'
}

/** Tells of a passage that has come to its end. */
export function reportPassage(
  { head, outcome, route, span, startedAt }: Passage,
  status: number,
  problem: ProblemCode | null,
  { reporter, clock }: Pick<PassageDependencies, 'reporter' | 'clock'>,
): void {
  const report: Report = {
    outcome: problem === null ? outcome : { ...outcome, kind: 'failed' },
    status,
    method: head.method,
    route,
    tenant: head.tenant,
    requestId: head.requestId,
    traceId: span.context.traceId,
    problem,
    durationMs: clock.monotonic() - startedAt,
  }
  reporter.finished(report)
  endRequest(span, report)
}
