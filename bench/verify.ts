/**
 * What a contestant must show before it is timed: that it answers the question that the row is
 * about, with the right bytes, and that it refuses what it should. A fast wrong answer is no figure.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type Contestant, upstreamRequests } from './contestants.ts'
import { type Answer, ask, type Headers, type Question } from './http-client.ts'
import type { LoadReport } from './load.ts'
import { clientHeaders, unusedId, withId } from './requests.ts'
import type { Scenario } from './scenarios.ts'

export type Proof = {
  /** The request to time; x-request-id is added per request. */
  readonly question: Question
  readonly wireBytes: number
  readonly contentEncoding: string
}

export type Examination = {
  readonly contestant: Contestant
  readonly scenario: Scenario
  readonly port: number
  readonly upstreamPort: number
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function demand(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new Error(complaint)
}

function askCustomer(examination: Examination, headers: Headers): Promise<Answer> {
  const { contestant, port, scenario } = examination
  const own = { ...clientHeaders, ...scenario.headers }
  const all = { ...own, 'x-request-id': randomUUID(), ...headers }
  const question = { method: 'GET', path: withId(scenario.path, unusedId(1)), headers: all }
  return ask(port, question, contestant.tls)
}

const badRequests: readonly (readonly [name: string, value: string, status: number])[] = [
  ['x-tenant-id', '12x', 400],
  ['x-tenant-id', '0', 400],
  ['x-api-version', '2020/01/01', 400],
  ['authorization', 'Basic Zm9vOmJhcg==', 401],
  ['authorization', `Bearer a.${'b'.repeat(300)}`, 401],
]

async function refusesBadRequests(examination: Examination): Promise<void> {
  const before = await settledUpstreamRequests(examination.upstreamPort)
  for (const [name, value, status] of badRequests) {
    const answer = await askCustomer(examination, { [name]: value })
    const shown = value.slice(0, 24)
    demand(
      answer.status === status,
      `${name}: ${shown} got ${answer.status}, must be refused with ${status}`,
    )
  }
  const answer = await askCustomer(examination, { 'x-request-id': 'not-a-uuid' })
  demand(answer.status === 200, `a bad x-request-id got ${answer.status}, must be replaced`)
  demand(uuidPattern.test(`${answer.headers['x-request-id']}`), 'x-request-id was not replaced')
  const reached = (await upstreamRequests(examination.upstreamPort)) - before
  demand(reached <= 1, 'a refused request reached the upstream')
}

function checkEcho(answer: Answer, requestId: string): void {
  demand(answer.headers['x-request-id'] === requestId, 'x-request-id is not echoed')
}

function checkBody(answer: Answer, scenario: Scenario): void {
  demand(answer.status === 200, `status ${answer.status} instead of 200`)
  const coding = answer.headers['content-encoding'] ?? 'identity'
  const { coding: wanted = coding } = scenario
  demand(coding === wanted, `the answer's coding is ${coding} instead of ${wanted}`)
  demand(answer.body.toString('latin1') === scenario.body, 'the body is not the upstream’s')
}

/** Asks once and says how many requests that cost the upstream. */
async function askAndCount(
  examination: Examination,
  headers: Headers,
): Promise<{ answer: Answer; reached: number }> {
  const requestId = randomUUID()
  const before = await settledUpstreamRequests(examination.upstreamPort)
  const answer = await askCustomer(examination, { ...headers, 'x-request-id': requestId })
  const reached = (await upstreamRequests(examination.upstreamPort)) - before
  checkEcho(answer, requestId)
  return { answer, reached }
}

/** A proxy may still be working off the requests of a load that has just ended. */
async function settledUpstreamRequests(port: number): Promise<number> {
  let last = await upstreamRequests(port)
  for (let attempt = 0; attempt < 50; attempt += 1) {
    await delay(40)
    const now = await upstreamRequests(port)
    if (now === last) return now
    last = now
  }
  return last
}

/** A fill may be stored a moment after its answer, so the first reads may still be misses. */
async function warmHit(examination: Examination): Promise<Answer> {
  const { contestant, scenario } = examination
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const { answer, reached } = await askAndCount(examination, {})
    checkBody(answer, scenario)
    if (reached === 0 && contestant.saysHit(answer.headers)) return answer
    await delay(50)
  }
  throw new Error('no hit in 20 reads')
}

async function proveForwarded(examination: Examination): Promise<Answer> {
  const { answer, reached } = await askAndCount(examination, {})
  checkBody(answer, examination.scenario)
  demand(reached === 1, `one request cost ${reached} upstream requests`)
  return answer
}

async function proveNotModified(examination: Examination, etag: string): Promise<Answer> {
  const { answer, reached } = await askAndCount(examination, { 'if-none-match': etag })
  demand(answer.status === 304, `status ${answer.status} instead of 304`)
  demand(answer.wireBytes === 0, 'a 304 with a body')
  demand(reached === 0, 'the 304 was asked from the upstream')
  demand(examination.contestant.saysHit(answer.headers), 'the 304 does not say that it is a hit')
  return answer
}

/** True where every single timed request has to reach the upstream. */
export function reachesUpstream(contestant: Contestant, scenario: Scenario): boolean {
  const { expect } = scenario
  const asks = expect === 'forwarded' || expect === 'cold'
  return contestant.role === 'proxy' || (asks && contestant.role !== 'fixed')
}

function proofOf(answer: Answer, scenario: Scenario, extra: Headers): Proof {
  return {
    question: {
      method: 'GET',
      path: scenario.path,
      headers: { ...clientHeaders, ...scenario.headers, ...extra },
    },
    wireBytes: answer.wireBytes,
    contentEncoding: answer.headers['content-encoding'] ?? 'identity',
  }
}

export async function prove(examination: Examination): Promise<Proof> {
  const { contestant, scenario } = examination
  if (contestant.checksRequests) await refusesBadRequests(examination)
  if (reachesUpstream(contestant, scenario)) {
    return proofOf(await proveForwarded(examination), scenario, {})
  }
  const hit = await warmHit(examination)
  if (scenario.expect !== 'not-modified') return proofOf(hit, scenario, {})
  const { etag } = hit.headers
  demand(etag !== undefined, 'a hit without an ETag')
  const conditional = { 'if-none-match': etag }
  return proofOf(await proveNotModified(examination, etag), scenario, conditional)
}

/**
 * After the clock: no answer was an error, they had the right size on average, the upstream saw
 * all of the requests or none of them, and the proof still holds.
 */
export async function confirm(
  examination: Examination,
  proof: Proof,
  load: LoadReport & { readonly reached: number },
): Promise<void> {
  const { requests, reached, statusErrors } = load
  demand(requests > 0, 'no request was answered')
  demand(statusErrors === 0, `${statusErrors} of ${requests} timed answers were errors`)
  const averageBytes = load.bytes / requests
  if (examination.scenario.expect === 'not-modified') {
    demand(averageBytes < examination.scenario.body.length, 'timed answers were longer than a 304')
  } else {
    demand(averageBytes > proof.wireBytes, 'timed answers were shorter than the body')
  }
  if (reachesUpstream(examination.contestant, examination.scenario)) {
    demand(reached >= requests, `${requests} answers, but only ${reached} upstream requests`)
  } else {
    // An entry may expire while the clock runs and be fetched again: a handful, not a share.
    demand(reached <= 10, `${reached} of ${requests} timed requests reached the upstream`)
  }
  await prove(examination)
}
