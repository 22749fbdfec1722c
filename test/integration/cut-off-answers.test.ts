/**
 * Answers whose body is delimited by nothing but the end of the connection (RFC 9112 sections 6.3, 8 and 9.8): a reset is
 * not that end, and over TLS no end is a proof of it. Transfer codings that hide where a body ends.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import {
  openConnection,
  type RawConnection,
  type RawUpstream,
  startRawUpstream,
} from '../helpers/raw-socket.ts'
import { until } from '../helpers/until.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))
const TLS = { key: readFileSync(file('server.key')), cert: readFileSync(file('server.pem')) }

const FIELDS = 'Content-Type: application/json\r\nX-Api-Version: 2023/04/19\r\n'
const BODY = '{"id":1,"parent_id":null}'
const WHOLE = `HTTP/1.1 200 OK\r\n${FIELDS}Content-Length: ${BODY.length}\r\n\r\n${BODY}`
const head = (more = '', status = '200 OK'): string => `HTTP/1.1 ${status}\r\n${FIELDS}${more}\r\n`

/** `cut`: reset in the same turn, so that bytes and reset are read at once. */
type End = 'cut' | 'end' | 'reset' | 'stay'

interface Bytes {
  readonly text: string
  readonly end: End
}

/** An API that answers each request by `bytes`, which can be replaced. */
async function startApi(
  t: Test,
  first: Bytes,
  tls?: typeof TLS,
): Promise<RawUpstream & { answer(bytes: Bytes): void; readonly requests: () => number }> {
  let bytes = first
  let requests = 0
  const serve = async ({ until, write, socket }: RawConnection): Promise<void> => {
    for (let n = 1; ; n++) {
      await until((text) => text.split('\r\n\r\n').length > n)
      requests++
      write(bytes.text)
      if (bytes.end === 'end') socket.end()
      if (bytes.end === 'cut') socket.resetAndDestroy()
      // Behind the bytes, which a reset at once would take with it.
      if (bytes.end === 'reset') setTimeout(() => socket.resetAndDestroy(), 20)
    }
  }
  const upstream = await startRawUpstream(t, serve, tls)
  const answer = (next: Bytes): void => {
    bytes = next
  }
  return { ...upstream, answer, requests: () => requests }
}

const STALE = { ttlMs: 1_000, staleIfErrorMs: 3_600_000 }

/** All that comes for one request, until the connection ends. */
async function ask(t: Test, { url }: TestApp, path: string, version = '1.1', method = 'GET') {
  const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}\r\n`)
  const connection = openConnection(t, url)
  let reset = false
  connection.socket.on('error', () => {
    reset = true
  })
  connection.write(
    `${method} ${path} HTTP/${version}\r\nHost: a\r\nConnection: close\r\n${lines.join('')}\r\n`,
  )
  const text = await connection.ended
  await new Promise((done) => setImmediate(done))
  const [top = '', ...rest] = text.split('\r\n\r\n')
  return { status: top.slice(9, 12), head: top, body: rest.join('\r\n\r\n'), reset }
}

const hasLastChunk = ({ body }: { readonly body: string }): boolean =>
  body.endsWith('\r\n0\r\n\r\n') || body.endsWith('0\r\n')

t.test('a body that a reset cuts off is not passed on as whole', async (t) => {
  const api = await startApi(t, { text: `${head()}{"id":1,"no`, end: 'reset' })
  const app = await buildTestApp(t, api.url)
  for (const path of ['/other', '/customers/1', '/customers/1?a=b']) {
    const answer = await ask(t, app, path)
    t.notOk(answer.status === '200' && hasLastChunk(answer), `${path} ${answer.body}`)
  }
  t.match(await ask(t, app, '/customers/1'), { status: '502' })
})

t.test(
  'a body and the reset behind it, read at once, are not taken for a whole body',
  async (t) => {
    const api = await startApi(t, { text: `${head()}{"id":1}`, end: 'cut' })
    const app = await buildTestApp(t, api.url)
    for (const path of ['/other', '/customers/1', '/customers/1?a=b']) {
      const answer = await ask(t, app, path)
      t.notOk(answer.status === '200' && hasLastChunk(answer), `${path} ${answer.body}`)
    }
    t.match(await ask(t, app, '/customers/1'), { status: '502' })
  },
)

t.test('a read that a reset cuts off is answered by the stale copy, which is kept', async (t) => {
  const api = await startApi(t, { text: WHOLE, end: 'stay' })
  const app = await buildTestApp(t, api.url, { cache: STALE })
  t.equal((await app.get('/customers/1')).status, 200)
  app.clock.advance(2_000)
  api.answer({ text: `${head()}{"id":1,"no`, end: 'reset' })
  for (let n = 0; n < 2; n++) {
    const { status, headers, body } = await app.get('/customers/1')
    t.equal(status, 200)
    t.match(headers['cache-status'], 'detail=sie')
    t.equal(body, BODY)
  }
})

t.test('a body that is not read and cut off by a reset costs nothing else', async (t) => {
  const long = `${head()}"${'x'.repeat(30_000_000)}`
  const api = await startApi(t, { text: long, end: 'stay' })
  const app = await buildTestApp(t, api.url)
  const connection = openConnection(t, app.url)
  connection.socket.pause()
  const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}\r\n`)
  connection.write(`GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines.join('')}\r\n`)
  await until(() => api.requests() > 0)
  const [call] = api.connections
  // What is not read here is not taken from the API.
  await until(() => (call?.socket.bytesWritten ?? 0) > 0 && call?.socket.writableNeedDrain === true)
  call?.socket.resetAndDestroy()
  await until(() => call?.socket.closed === true)
  connection.socket.resume()
  t.notOk(hasLastChunk({ body: await connection.ended }))
  api.answer({ text: WHOLE, end: 'stay' })
  t.equal((await app.get('/customers/2')).status, 200)
})

t.test('a body that the end of a plain connection ends is whole', async (t) => {
  const api = await startApi(t, { text: `${head()}${BODY}`, end: 'end' })
  const app = await buildTestApp(t, api.url)
  t.equal((await app.get('/other')).body, BODY)
  t.match((await app.get('/customers/1')).headers['cache-status'], 'stored')
  t.match((await app.get('/customers/1')).headers['cache-status'], 'hit')
})

t.test('a body that only the close ends over TLS', async (t) => {
  const ca = { ca: file('ca.pem') }

  await t.test('is passed on without a proper end, and never stored', async (t) => {
    const api = await startApi(t, { text: `${head()}${BODY}`, end: 'end' }, TLS)
    const app = await buildTestApp(t, api.url, { upstream: ca })
    for (const path of ['/other', '/customers/1', '/customers/1']) {
      const answer = await ask(t, app, path)
      t.equal(answer.status, '200', path)
      t.match(answer.body, BODY)
      t.notOk(hasLastChunk(answer), path)
    }
    t.equal(api.requests(), 3)
    t.match((await ask(t, app, '/customers/1')).head, 'detail=reject.unproven')
  })

  await t.test('is 502 where it is JSON that does not parse, or the stale copy', async (t) => {
    const api = await startApi(t, { text: WHOLE, end: 'stay' }, TLS)
    const app = await buildTestApp(t, api.url, { upstream: ca, cache: STALE })
    t.equal((await app.get('/customers/1')).status, 200)
    app.clock.advance(2_000)
    api.answer({ text: `${head()}{"id":1,"par`, end: 'end' })
    t.equal((await app.get('/other')).status, 502)
    t.equal((await app.get('/customers/2')).status, 502)
    t.match((await app.get('/customers/1')).headers['cache-status'], 'detail=sie')
    t.equal((await app.get('/customers/1', { method: 'PATCH' })).status, 502)
  })

  await t.test('is passed on without a proper end where it is no JSON, or is long', async (t) => {
    const html = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>half'
    const api = await startApi(t, { text: html, end: 'end' }, TLS)
    const app = await buildTestApp(t, api.url, { upstream: ca })
    const page = await ask(t, app, '/other')
    t.match(page.body, '<p>half')
    t.notOk(hasLastChunk(page))
    const text = JSON.stringify('x'.repeat(30_000_000))
    api.answer({ text: head() + text, end: 'end' })
    for (const path of ['/other', '/customers/1']) {
      const long = await ask(t, app, path)
      t.equal(long.status, '200')
      t.ok(long.body.length > text.length, 'all that came was passed on')
      t.notOk(hasLastChunk(long))
    }
  })

  await t.test('is whole where a length or chunks say so', async (t) => {
    const chunks = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`
    const text = `${head('Transfer-Encoding: chunked\r\n')}${chunks}`
    const api = await startApi(t, { text, end: 'end' }, TLS)
    const app = await buildTestApp(t, api.url, { upstream: ca })
    t.equal((await app.get('/other')).body, BODY)
    t.match((await app.get('/customers/1')).headers['cache-status'], 'stored')
  })
})

t.test('a client of HTTP/1.0 is reset where what it gets is cut off', async (t) => {
  const api = await startApi(t, { text: `${head()}${'x'.repeat(40_000)}`, end: 'reset' })
  const app = await buildTestApp(t, api.url)
  const answer = await ask(t, app, '/other', '1.0')
  t.ok(answer.reset || answer.status === '502', 'the connection does not end as if all had come')
})

t.test('an answer in a transfer coding other than chunked is a failure', async (t) => {
  const chunks = '3\r\nabc\r\n0\r\n\r\n'
  for (const codings of ['gzip', 'gzip, chunked', 'identity', 'chunked, chunked', 'x, chunked']) {
    const text = `${head(`Transfer-Encoding: ${codings}\r\n`)}${chunks}`
    const api = await startApi(t, { text, end: 'end' })
    const app = await buildTestApp(t, api.url)
    for (const [path, method] of [
      ['/other', 'GET'],
      ['/customers/1', 'GET'],
      ['/customers/1', 'PATCH'],
    ] as const) {
      t.equal((await app.get(path, { method })).status, 502, `${method} ${path} ${codings}`)
    }
  }
  const lines = 'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n'
  const api = await startApi(t, { text: `${head(lines)}${chunks}`, end: 'end' })
  const app = await buildTestApp(t, api.url)
  t.equal((await app.get('/other')).status, 502, 'in two lines')
  api.answer({ text: `${head('Transfer-Encoding: Chunked\r\n')}${chunks}`, end: 'end' })
  t.equal((await app.get('/other')).body, 'abc', 'in another case it is chunked')
})
