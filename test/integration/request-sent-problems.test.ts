/** Problems say whether the API may know of the request: where nothing was sent, and where a part of it was. */
import t, { type Test } from 'tap'
import { buildTestApp, type Reply } from '../helpers/app.ts'
import { freePort } from '../helpers/free-port.ts'
import { openConnection, startRawUpstream } from '../helpers/raw-socket.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'

interface Problem {
  readonly code: string
  readonly requestSent: unknown
}

const problemIn = ({ body }: Pick<Reply, 'body'>): Problem => JSON.parse(body) as Problem

t.test(
  'a read that the breaker keeps back is 503 until the next trial, which stays 502',
  async (t) => {
    const app = await buildTestApp(t, `http://127.0.0.1:${await freePort()}`)
    for (let i = 1; i <= 10; i++) t.equal((await app.get(`/customers/${i}`)).status, 502)
    const paused = await app.get('/customers/11')
    t.equal(paused.status, 503)
    t.match(problemIn(paused), { code: 'upstream_paused', requestSent: false })
    t.match(paused.headers['retry-after'], /^[12]$/)
    t.match(app.reports.at(-1), { outcome: { kind: 'failed', detail: 'breaker' }, cause: null })
    app.clock.advance(1_000)
    const tried = await app.get('/customers/12')
    t.equal(tried.status, 502)
    t.match(problemIn(tried), { code: 'upstream_unreachable', requestSent: false })
    t.equal(tried.headers['retry-after'], undefined)
    t.equal((await app.get('/customers/13')).status, 503)
  },
)

t.test('what finds no place, in time or at all, was not sent', async (t) => {
  const upstream = await startUpstream(t)
  const limits = { connections: 2, tenantReads: 1, headersTimeoutMs: 400, totalTimeoutMs: 400 }
  const app = await buildTestApp(t, upstream.url, { upstream: limits })
  // Bodies that go on take both kinds of places.
  upstream.answer((_received, res) => void res.write('x'.repeat(2_000_000)))
  for (const path of ['/customers/1', '/things']) {
    const holder = openConnection(t, app.url)
    holder.write(
      `GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a.b\r\nx-tenant-id: 7\r\n\r\n`,
    )
    await holder.until((text) => text.length > 1_000_000)
  }
  const asked = ['/customers/2', '/things'].map((path) => app.get(path))
  for (const reply of await Promise.all(asked)) {
    t.match(problemIn(reply), { code: 'upstream_timeout', requestSent: false })
  }
  t.equal(upstream.requests.length, 2)
})

const headOf = (line: string): string =>
  [
    `${line} HTTP/1.1`,
    'Host: a',
    'Authorization: Bearer token-one.aaaa',
    'X-Tenant-Id: 7',
    'Content-Type: application/json',
    'Transfer-Encoding: chunked',
    '\r\n',
  ].join('\r\n')

const problemOf = (text: string): Problem => JSON.parse(text.slice(text.indexOf('{'))) as Problem

/** An upload that stops, or goes on too long. */
async function upload(
  t: Test,
  url: string,
  content: string,
  line = 'POST /things',
): Promise<Problem> {
  const connection = openConnection(t, url)
  connection.write(headOf(line) + content)
  return problemOf(await connection.ended)
}

const chunk = (length: number): string => `${length.toString(16)}\r\n${'1'.repeat(length)}\r\n`

t.test('content that stops on its way may have been sent', async (t) => {
  const upstream = await startRawUpstream(t, () => {})
  const app = await buildTestApp(t, upstream.url, { server: { uploadPauseMs: 300 } })
  t.match(await upload(t, app.url, chunk(1)), { code: 'request_timeout', requestSent: 'maybe' })
})

t.test('content that breaks off on its way may have been sent', async (t) => {
  const upstream = await startRawUpstream(t, () => {})
  const app = await buildTestApp(t, upstream.url)
  const connection = openConnection(t, app.url)
  connection.write(headOf('POST /things') + chunk(1))
  await until(() => upstream.connections.some(({ text }) => text !== ''), 'that it is passed on')
  connection.write('no chunk\r\n')
  t.match(problemOf(await connection.ended), { code: 'malformed_request', requestSent: 'maybe' })
})

t.test('content that grows too long on its way may have been sent', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { maxRequestBytes: 100_000 } })
  const problem = await upload(t, app.url, chunk(60_000).repeat(2))
  t.match(problem, { code: 'content_too_large', requestSent: 'maybe' })
})

t.test('content of a write that is held was not sent', async (t) => {
  const upstream = await startUpstream(t)
  const server = { uploadPauseMs: 300, maxRequestBytes: 100_000 }
  const app = await buildTestApp(t, upstream.url, { server })
  const write = (content: string): Promise<Problem> =>
    upload(t, app.url, content, 'PATCH /customers/1')
  t.match(await write(chunk(1)), { code: 'request_timeout', requestSent: false })
  t.match(await write(`no chunk\r\n`), { code: 'malformed_request', requestSent: false })
  t.match(await write(chunk(60_000).repeat(2)), {
    code: 'content_too_large',
    requestSent: false,
  })
  t.equal(upstream.requests.length, 0)
})
