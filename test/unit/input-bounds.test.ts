/**
 * Each reader of outside text has a bound on it. At the bound it reads on, and one character above it takes the text
 * for what is safe.
 */
import t from 'tap'
import { requestDirectives, responseDirectives } from '../../src/cache/cache-control.ts'
import { partsOf } from '../../src/cache/key.ts'
import { outcome } from '../../src/cache/outcome.ts'
import { assess } from '../../src/cache/policy.ts'
import type { HeaderList } from '../../src/cache/records.ts'
import { matchWrite } from '../../src/contract/routes.ts'
import { headersOf } from '../../src/http/answer.ts'
import { noneMatchFails } from '../../src/http/conditional.ts'
import { AS_THE_API_SAYS } from '../../src/http/cors-fields.ts'
import { chooseCoding } from '../../src/http/encoding.ts'
import { collectFields } from '../../src/http/fields.ts'
import { CACHED_READ, relayedAnswer } from '../../src/http/relayed-answer.ts'
import { type RequestHead, validate } from '../../src/http/validate.ts'
import { readTraceContext } from '../../src/lib/trace-context.ts'
import { codeOf } from '../../src/stores/redis-codes.ts'
import { endToEndHeaders } from '../../src/upstream/headers.ts'

const FACTS = { readers: AS_THE_API_SAYS, timing: null }
const TIMES = { sentAt: 0, receivedAt: 0 }
const TAG = '"noAUUuJrsMN8nKfDR2nN0g"'
const PARENT = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
const ID = '0198c0de-0000-4000-8000-000000000000'

function refusalOf(host: string): string | null {
  const rawHeaders = ['host', host, 'authorization', 'bearer a.b', 'x-tenant-id', '7']
  const raw = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders }
  const checked = validate(raw, () => ID, 0)
  return checked.kind === 'ok' ? null : checked.code
}

function rejectionOf(vary: string): string | null {
  const headers: HeaderList = [
    ['vary', vary],
    ['content-type', 'application/json'],
    ['x-api-version', '2019/02/08'],
  ]
  const body = Buffer.from('{}')
  const answer = { kind: 'buffered', status: 200, reason: '', headers, body, sentAt: 0 } as const
  const assessment = assess({ version: null, parentMember: null }, answer, 1_000, TIMES)
  return assessment.kind === 'reject' ? assessment.reason : null
}

function relayedVary(vary: string): string | undefined {
  const answer = { status: 500, reason: '', headers: [['vary', vary]] as HeaderList, body: null }
  const head = { requestId: ID } as RequestHead
  const headers = headersOf(relayedAnswer(answer, outcome('bypass', {}), head, CACHED_READ, FACTS))
  return headers[headers.indexOf('Vary') + 1]
}

const OWN_VARY = 'Authorization, X-Tenant-Id, X-Api-Version, Accept-Encoding'

const BOUNDS: readonly {
  readonly what: string
  readonly length: number
  /** Ends with what may be repeated to make it longer, and means no other thing. */
  readonly text: string
  readonly pad: string
  readonly read: (text: string) => unknown
  readonly within: unknown
  readonly beyond: unknown
}[] = [
  {
    what: 'If-None-Match matches nothing',
    length: 2_048,
    text: `${TAG},`,
    pad: ',',
    read: (text) => noneMatchFails(text, TAG),
    within: true,
    beyond: false,
  },
  {
    what: 'If-None-Match: * matches nothing',
    length: 2_048,
    text: '*,',
    pad: ',',
    read: (text) => noneMatchFails(text, TAG),
    within: true,
    beyond: false,
  },
  {
    what: 'Accept-Encoding wants no coding',
    length: 1_024,
    text: 'gzip',
    pad: ' ',
    read: chooseCoding,
    within: 'gzip',
    beyond: null,
  },
  {
    what: 'Cache-Control of a request asks for a refresh',
    length: 2_048,
    text: 'max-age=5',
    pad: ' ',
    read: (text) => requestDirectives(text, null).noCache,
    within: false,
    beyond: true,
  },
  {
    what: 'Pragma asks for a refresh',
    length: 2_048,
    text: 'x',
    pad: ' ',
    read: (text) => requestDirectives(null, text).noCache,
    within: false,
    beyond: true,
  },
  {
    what: 'Cache-Control of an answer is malformed',
    length: 2_048,
    text: 'max-age=5',
    pad: ' ',
    read: (text) => responseDirectives(text).malformed,
    within: false,
    beyond: true,
  },
  {
    what: 'Vary of an answer forbids to store it',
    length: 1_024,
    text: 'accept',
    pad: ' ',
    read: rejectionOf,
    within: null,
    beyond: 'vary',
  },
  {
    what: 'Vary of an answer that passes is a star',
    length: 1_024,
    text: 'a',
    pad: ' ',
    read: relayedVary,
    within: `${OWN_VARY}, a`,
    beyond: '*',
  },
  {
    what: 'Connection of an answer makes it invalid',
    length: 1_024,
    text: 'close',
    pad: 'x',
    read: (text) => endToEndHeaders(['connection', text]),
    within: [],
    beyond: null,
  },
  {
    what: 'Connection of a request is refused',
    length: 256,
    text: 'close,',
    pad: ',',
    read: (text) => collectFields(['connection', text]).problem,
    within: null,
    beyond: 'forbidden_connection_option',
  },
  {
    what: 'Host is refused',
    length: 259,
    text: 'a',
    pad: 'a',
    read: refusalOf,
    within: null,
    beyond: 'invalid_host',
  },
  {
    what: 'traceparent is none',
    length: 256,
    text: `cc${PARENT.slice(2)}-`,
    pad: 'x',
    read: (text) => readTraceContext(text, null) !== null,
    within: true,
    beyond: false,
  },
  {
    what: 'tracestate is none',
    length: 8_192,
    text: 'a=1',
    pad: ' ',
    read: (text) => readTraceContext(PARENT, text)?.state,
    within: 'a=1',
    beyond: null,
  },
]

for (const { what, length, text, pad, read, within, beyond } of BOUNDS) {
  t.test(`above ${length} characters ${what}`, async (t) => {
    t.strictSame(read(text.padEnd(length, pad)), within)
    t.strictSame(read(text.padEnd(length + 1, pad)), beyond)
  })
}

t.test(
  'a request with more than 100 fields is refused, and those beyond are not read',
  async (t) => {
    const lines = Array.from({ length: 100 }, (_, i) => [`x-${i}`, 'a']).flat()
    const fields = collectFields([...lines, 'authorization', 'bearer a.b', 'via', '1.1 layby'])
    t.match(fields, { count: 102, authorization: null, hasPassedHere: false })
    t.equal(collectFields([...lines.slice(2), 'x-tenant-id', '7']).tenant, '7')
  },
)

t.test('a write below a customer is one however long its path is', async (t) => {
  const path = `/customers/7${'/a'.repeat(8_000)}`
  t.equal(matchWrite('POST', path)?.subject, '7')
  t.equal(matchWrite('POST', `/customers${'/7'.repeat(4)}`)?.subject, '7')
  t.equal(matchWrite('POST', `/addresses${'/7'.repeat(8_000)}`), null)
})

t.test('a text that is no key has parts up to where it is none, and an end', async (t) => {
  t.strictSame(partsOf('1:a2:bc'), ['a', 'bc'])
  for (const text of ['5', 'a:b', '-9:b', ':', 'NaN:1', '-1:', '1:a5', '9:ab', '1e9:a', '-0:-1:']) {
    t.ok(partsOf(text).length < 3, text)
  }
})

t.test('of an error of Redis its beginning says what it is', async (t) => {
  t.equal(codeOf(new Error(`MISCONF ${'x'.repeat(1_000_000)}`)), 'MISCONF')
  t.equal(codeOf(new Error(`${'x '.repeat(1_000_000)}NOAUTH`)), 'Error')
})
