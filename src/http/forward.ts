/** The call to the upstream that a passing request comes down to: sent once, its answer checked. */
import type { Readable } from 'node:stream'
import { readsBodies, type WriteOutcome } from '../cache/invalidation.ts'
import type { HeaderList } from '../cache/records.ts'
import type { Reporter } from '../cache/report.ts'
import { isSafeMethod, type WriteMatch } from '../contract/routes.ts'
import type { Clock } from '../lib/clock.ts'
import type { Presence } from '../lib/presence.ts'
import type { BodyTerms, Question, Received, Sent } from '../upstream/call.ts'
import { endCall, failCall } from '../upstream/call-span.ts'
import { faultWord, type UpstreamClient } from '../upstream/client.ts'
import { InvalidAnswer } from '../upstream/given-up.ts'
import { type PassedOn, passedHeaders, passedOn } from '../upstream/headers.ts'
import { forwardedInterim } from '../upstream/interim.ts'
import { hasName } from './answer.ts'
import { conditionsForApi } from './conditions.ts'
import { type Content, isCoding } from './content.ts'
import type { Forwarding, Peer } from './forwarded.ts'
import { type InterimAnswer, MAX_INTERIM_ANSWERS } from './interim.ts'
import { reportedMethod } from './methods.ts'
import type { Passage } from './passage.ts'
import { ClientGone } from './passing-place.ts'
import { preflightForApi } from './preflight.ts'
import type { RawRequest } from './validate.ts'

export type { PassedOn }

export interface ForwardDependencies {
  readonly forwarding: Forwarding
  readonly client: UpstreamClient
  readonly clock: Pick<Clock, 'monotonic'>
  readonly reporter: Pick<Reporter, 'faulted'>
}

/** An answer of the upstream, checked; its body is here if it is short, and else comes as a stream. */
export interface PassedAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly body: Readable | Buffer
  /** Milliseconds from the call to the answer. */
  readonly upstreamMs: number
}

/** Where a request comes from. */
export interface Source extends Pick<RawRequest, 'rawHeaders'> {
  readonly presence: Presence
  readonly peer: Peer
  /** Hands on an interim answer. */
  readonly inform: (interim: InterimAnswer) => void
  /** Called right before the first byte of it leaves for the upstream. */
  readonly onSend: () => void
}

export interface Sending {
  readonly source: Source
  /** Milliseconds until there has to be an answer. */
  readonly totalMs: number
  /** Null: the request has none. */
  readonly content: Content | null
  /** Called right before the first byte leaves, with the outcome unknown, and with an answer at hand. Never: unsent. */
  readonly onOutcome: (outcome: WriteOutcome) => void
}

const NO_BODIES = { requestBody: null, responseBody: null }
/** Of a request whose head has left, until an answer comes. */
const UNKNOWN: WriteOutcome = { isSent: true, status: null, ...NO_BODIES }

/** The answer of a write that is read for the ids in it. */
const READ: BodyTerms = { maxWholeBytes: 65_536, waitsForUnannounced: true }
/** A short body is not worth a stream; one of unknown length may be meant to come bit by bit. */
const PASSED_ON: BodyTerms = { maxWholeBytes: 16_384, waitsForUnannounced: false }

/** Sends the request. Rejects when no valid answer comes. */
export async function forward(
  passage: Passage,
  sending: Sending,
  deps: ForwardDependencies,
): Promise<PassedAnswer> {
  const answer = await call(passage, sending, deps)
  sending.onOutcome(outcomeOf(passage.write, answer, sending.content))
  return answer
}

/** The bodies are read only where they say what else the write changes. */
function outcomeOf(
  write: WriteMatch | null,
  { status, headers, body }: PassedAnswer,
  content: Content | null,
): WriteOutcome {
  const sent = { isSent: true, status }
  if (!readsAnswer(write)) return { ...sent, ...NO_BODIES }
  const isReadable = Buffer.isBuffer(body) && !headers.some(isCoding)
  const responseBody = isReadable ? body.toString('utf8') : null
  return { ...sent, requestBody: content?.text ?? null, responseBody }
}

/** The call lasts until the answer is there, or its head, if the body is streamed. */
async function call(
  passage: Passage,
  sending: Sending,
  deps: ForwardDependencies,
): Promise<PassedAnswer> {
  const method = reportedMethod(passage.head.method)
  const span = passage.span.begin('upstream')
  try {
    const passed = notedHeaders(passage, sending.source)
    const { rawHeaders, peer } = sending.source
    const headers = passedHeaders(passed, passage.head.requestId, span.context)
    headers.push(...deps.forwarding(rawHeaders, peer))
    const answer = await receive(passage, headers, sending, deps)
    endCall(span, method, answer.status)
    return answer
  } catch (error) {
    failCall(span, method, faultWord(error))
    throw error
  }
}

/** Made once for all heads that differ in nothing but their request id and trace, which are none of it. */
function notedHeaders(passage: Passage, raw: Source): PassedOn {
  const { head, read } = passage
  head.notes.passedOn ??= counted(
    inApiTerms(passedOn(raw.rawHeaders, read !== null), passage),
    head.forwardsLeft,
  )
  return head.notes.passedOn
}

function inApiTerms({ headers, via }: PassedOn, { isCached, preflight }: Passage): PassedOn {
  const asked = preflight === null ? headers : preflightForApi(headers)
  return { headers: conditionsForApi(asked, isCached), via }
}

/** RFC 9110 section 7.6.2: each who forwards the request counts down by one. */
function counted(passed: PassedOn, forwardsLeft: number | null): PassedOn {
  if (forwardsLeft === null) return passed
  const maxForwards = String(forwardsLeft - 1)
  return { ...passed, headers: [...passed.headers, 'max-forwards', maxForwards] }
}

async function receive(
  { head, write }: Passage,
  headers: string[],
  { source, content, totalMs, onOutcome }: Sending,
  { client, clock, reporter }: ForwardDependencies,
): Promise<PassedAnswer> {
  const { method, path, query } = head
  const target = query === null ? path : `${path}?${query}`
  const body = content === null ? null : content.toSend()
  const length = content?.length ?? null
  // What came in chunks, and is whole.
  if (length !== null && !hasName(headers, 'content-length')) {
    headers.push('content-length', String(length))
  }
  const onSend = (): void => {
    source.onSend()
    onOutcome(UNKNOWN)
  }
  const onFault = (error: unknown): void => reporter.faulted(error, head.requestId)
  const onInterim = forwardingInterim(source)
  const question = { method, path: target, headers, body, onSend, onFault, onInterim }
  const terms = { ...(readsAnswer(write) ? READ : PASSED_ON), totalMs }
  const sentAt = clock.monotonic()
  const sent = client.relay(question, terms, head.requestId)
  const received = await awaited(sent, method, source.presence)
  const upstreamMs = clock.monotonic() - sentAt
  const checked = client.check(received, { method, headers }, head.requestId)
  if (checked === null) throw new InvalidAnswer()
  // By name: a spread costs as much as the rest of the check.
  const { status, reason, headers: kept, body: answered } = checked
  return { status, reason, headers: kept, body: answered, upstreamMs }
}

function forwardingInterim({ inform }: Source): NonNullable<Question['onInterim']> {
  let left = MAX_INTERIM_ANSWERS
  return (status, raw) => {
    const interim = forwardedInterim(status, raw)
    // guard: interim-flood
    if (interim !== null && left-- > 0) inform(interim)
  }
}

/** A read whose client leaves is given up, and its connection is free. A write goes on: it may have been applied. */
async function awaited(sent: Sent, method: string, presence: Presence): Promise<Received> {
  if (!isSafeMethod(method)) return sent.received
  // guard: left-under-way
  presence.onGone = () => sent.abort(new ClientGone('the client has left'))
  try {
    return await sent.received
  } finally {
    presence.onGone = null
  }
}

/** Whether what the write changes is found in bodies. */
function readsAnswer(write: WriteMatch | null): boolean {
  return write !== null && readsBodies(write)
}
