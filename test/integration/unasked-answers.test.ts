/** Answers to conditions and ranges that were not sent, and statuses that forbid content (RFC 9110 sections 8.6, 15.3, 15.4.5). */
import t from 'tap'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { exchange, type RawConnection, startRawUpstream } from '../helpers/raw-socket.ts'
import { type Received, sendJson, startUpstream } from '../helpers/upstream.ts'

const LINES = Object.entries(HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')

t.test('a 304 that nobody asked for is a failure, or answered by the stale copy', async (t) => {
  const upstream = await startUpstream(t)
  const cache = { ttlMs: 1_000, staleIfErrorMs: 3_600_000 }
  const app = await buildTestApp(t, upstream.url, { cache })
  const first = await app.get('/customers/1')
  app.clock.advance(2_000)
  upstream.answer((_received, res) => res.writeHead(304, { ETag: '"a"' }).end())
  const stale = await app.get('/customers/1')
  t.match(stale.headers['cache-status'], 'detail=sie')
  t.equal(stale.body, first.body)
  t.equal((await app.get('/customers/2')).status, 502)
  t.equal((await app.get('/other')).status, 502)
  t.equal((await app.get('/customers/1?a=b')).status, 502)
  const conditions = { 'if-match': '"b"', 'if-unmodified-since': 'Mon, 30 Nov 2026 10:00:00 GMT' }
  t.equal((await app.get('/other', { headers: conditions })).status, 502, 'of another condition')
})

t.test('a 304 to a write leaves its outcome unknown', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1')
  upstream.answer((_received, res) => res.writeHead(304).end())
  const headers = { 'if-none-match': '"a"' }
  t.equal((await app.get('/customers/1', { method: 'PATCH', headers })).status, 502)
  upstream.answer((received, res) => sendJson(res, received, '{"parent_id": null, "a": 2}'))
  t.match((await app.get('/customers/1')).body, '"a": 2')
})

t.test('a 304 that was asked for is passed on', async (t) => {
  const upstream = await startUpstream(t, (_received, res) => {
    res.writeHead(304, { ETag: '"a"' }).end()
  })
  const app = await buildTestApp(t, upstream.url)
  for (const [name, value] of [
    ['if-none-match', '"a"'],
    ['if-modified-since', 'Mon, 30 Nov 2026 10:00:00 GMT'],
  ] as const) {
    for (const method of ['GET', 'HEAD']) {
      const reply = await app.get('/other', { method, headers: { [name]: value } })
      t.equal(reply.status, 304, `${method} ${name}`)
    }
  }
})

t.test('a part that nobody asked for is a failure, and one that was is not', async (t) => {
  const part = (received: Received, res: Parameters<typeof sendJson>[0]): void => {
    sendJson(res, received, '{"a"', { 'Content-Range': 'bytes 0-3/30' }, 206)
  }
  const upstream = await startUpstream(t, part)
  const app = await buildTestApp(t, upstream.url)
  t.equal((await app.get('/other')).status, 502)
  t.equal((await app.get('/customers/1')).status, 502)
  t.equal((await app.get('/other', { headers: { range: 'bytes=0-3' } })).status, 206)
})

t.test('a status that forbids content is passed on without any, nor a length', async (t) => {
  let answer = ''
  const serve = async ({ until, write }: RawConnection): Promise<void> => {
    for (let n = 1; ; n++) {
      await until((text) => text.split('\r\n\r\n').length > n)
      write(answer)
    }
  }
  const upstream = await startRawUpstream(t, serve)
  const app = await buildTestApp(t, upstream.url)
  const fields = 'Content-Type: application/json\r\nX-Api-Version: 2023/04/19\r\n'
  for (const [status, framing, body] of [
    ['204 No Content', 'Content-Length: 5\r\n', 'hello'],
    ['204 No Content', 'Content-Length: 0\r\n', ''],
    ['204 No Content', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'],
    ['205 Reset Content', 'Content-Length: 5\r\n', 'hello'],
    ['205 Reset Content', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'],
  ] as const) {
    answer = `HTTP/1.1 ${status}\r\n${fields}${framing}\r\n${body}`
    for (const path of ['/other', '/customers/1']) {
      const name = `${status} ${framing.trim()} ${path}`
      const request = `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${LINES}\r\n`
      const { text, replies } = await exchange(app.url, request)
      const [reply] = replies
      t.equal(reply?.status, Number(status.slice(0, 3)), name)
      t.equal(reply?.headers.get('transfer-encoding'), undefined, name)
      const length = reply?.headers.get('content-length')
      t.equal(length, status.startsWith('204') ? undefined : '0', name)
      t.ok(text.endsWith('\r\n\r\n'), name)
      t.notMatch(text, 'hello', name)
    }
  }
})
