/** The catalogue of problems, against wire.md and against the bytes on the wire. */
import t from 'tap'
import { problemAnswer } from '../../src/http/problem-answer.ts'
import { PROBLEMS, type ProblemCode } from '../../src/http/problems.ts'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { exchange } from '../helpers/raw-socket.ts'
import { startUpstream } from '../helpers/upstream.ts'

const ID = '0198c0de-0000-7000-8000-000000000001'
const CODES = Object.keys(PROBLEMS) as ProblemCode[]
const MEMBERS = [
  'type',
  'title',
  'status',
  'detail',
  'field',
  'explanation',
  'requestSent',
  'instance',
  'code',
]

/** wire.md, "Types", as far as they exist in this version. */
const WIRE_TYPES: Readonly<Record<string, number>> = {
  'invalid-header': 400,
  'missing-credentials': 401,
  'header-too-large': 431,
  'upstream-unreachable': 502,
  'upstream-timeout': 504,
  'not-cached': 504,
  loop: 508,
}

t.test('every type of wire.md has its status, and every entry with the type has it too', (t) => {
  for (const [type, status] of Object.entries(WIRE_TYPES)) {
    const entries = CODES.filter((code) => PROBLEMS[code].type === type)
    t.ok(entries.length > 0, type)
    for (const code of entries) t.equal(PROBLEMS[code].status, status, code)
  }
  t.end()
})

t.test('one type has one status throughout', (t) => {
  const statuses = new Map<string, number>()
  for (const code of CODES) {
    const { type, status } = PROBLEMS[code]
    t.equal(statuses.get(type) ?? status, status, code)
    statuses.set(type, status)
  }
  t.end()
})

for (const code of CODES) {
  t.test(`the answer for ${code} has the members in the order of wire.md, the code last`, (t) => {
    const answer = problemAnswer(code, ID)
    const body = JSON.parse(answer.body) as Record<string, unknown>
    const { type, status, title, detail, field } = PROBLEMS[code]
    t.same(Object.keys(body), MEMBERS)
    t.match(body, {
      type: `urn:layby:problem:${type}`,
      title,
      status,
      detail,
      field,
      instance: `urn:uuid:${ID}`,
      code,
    })
    t.equal(body['explanation'], 'The request was not sent upstream.')
    t.equal(body['requestSent'], false)
    const sent = JSON.parse(problemAnswer(code, ID, { wasSent: true }).body)
    t.equal(sent.explanation, 'The request may have reached the API.')
    t.equal(sent.requestSent, 'maybe')
    t.equal(answer.status, status)
    t.match(answer.reason, /^[\x20-\x7e]+$/, 'a reason phrase that any client can read')
    const headers = Object.fromEntries(pairs(answer.headers))
    t.match(headers, {
      'Content-Type': 'application/problem+json',
      'Content-Length': String(Buffer.byteLength(answer.body)),
      'Cache-Control': 'no-store',
      'CDN-Cache-Control': 'no-store',
      'X-Request-Id': ID,
    })
    t.equal(headers['Retry-After'], undefined)
    t.equal('WWW-Authenticate' in headers, status === 401, 'RFC 9110 section 15.5.2')
    t.equal('Allow' in headers, status === 405, 'RFC 9110 section 15.5.6')
    t.end()
  })
}

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] as string]] : []))
}

t.test('an error code of RFC 6750 is given only when a token was sent', (t) => {
  const challenge = (code: ProblemCode): string | undefined =>
    Object.fromEntries(pairs(problemAnswer(code, ID).headers))['WWW-Authenticate']
  t.equal(challenge('missing_credentials'), 'Bearer')
  t.equal(challenge('invalid_credentials'), 'Bearer error="invalid_token"')
  t.end()
})

t.test('the example of wire.md, byte for byte', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const request = [
    'GET /customers/1 HTTP/1.1',
    'Host: layby.test',
    `Authorization: ${HEADERS.authorization}`,
    'X-Tenant-Id: x',
    `X-Request-Id: ${ID}`,
    'Connection: close',
  ]
  const { text } = await exchange(app.url, `${request.join('\r\n')}\r\n\r\n`)
  const body =
    '{"type":"urn:layby:problem:invalid-header","title":"Invalid request header","status":400,' +
    '"detail":"x-tenant-id must be a decimal integer","field":"x-tenant-id",' +
    '"explanation":"The request was not sent upstream.","requestSent":false,' +
    `"instance":"urn:uuid:${ID}","code":"invalid_tenant"}`
  t.equal(
    text.replace(/^Date: .*\r\n/m, ''),
    [
      'HTTP/1.1 400 X-Tenant-Id: must be an integer',
      'Content-Type: application/problem+json',
      `Content-Length: ${body.length}`,
      'Cache-Control: no-store',
      'CDN-Cache-Control: no-store',
      `X-Request-Id: ${ID}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
  t.match(text, /\r\nDate: [A-Z][a-z]{2}, /)
})

t.test('a problem in answer to HEAD has the head of the problem and no body', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const request = `HEAD /customers/1 HTTP/1.1\r\nHost: a\r\nX-Tenant-Id: 7\r\nConnection: close\r\n\r\n`
  const { text, replies } = await exchange(app.url, request, 1, true)
  t.equal(replies[0]?.status, 401)
  t.ok(Number(replies[0]?.headers.get('content-length')) > 100)
  t.equal(text.split('\r\n\r\n')[1], '')
})

t.test('a refusal is reported: metric and log have it under the same id', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const reply = await app.get('/customers/1', { headers: { 'x-tenant-id': 'x' } })
  const [report] = app.reports
  t.match(report, {
    status: 400,
    problem: 'invalid_tenant',
    requestId: reply.headers['x-request-id'] as string,
    outcome: { kind: 'refused', forward: null },
    tenant: null,
    route: null,
  })
  const line = JSON.parse(app.logged().trim().split('\n').at(-1) ?? '') as Record<string, unknown>
  t.equal(line['http.request.id'], reply.headers['x-request-id'])
  t.equal(line['reason'], 'invalid_tenant')
})
