/**
 * Answers that end their connection reach the client, though it is still sending: content of a request that was refused, or
 * requests that were pipelined behind the last answer (RFC 9112 section 9.6).
 */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { openConnection } from '../helpers/raw-socket.ts'
import { startUpstream } from '../helpers/upstream.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))
const TLS = { cert: file('server.pem'), key: file('server.key') }

const HOST = 'Host: a'
const TENANT = 'X-Tenant-Id: 7'
const WHO = [HOST, 'Authorization: Bearer token-one.aaaa', TENANT]
const JSON_TYPE = 'Content-Type: application/json'
/** Much of it is unread when the answer is written. */
const LONG = 3_000_000
const LIMIT = 1_000_000
const LENGTH = `Content-Length: ${LONG}`
const CHUNKED = 'Transfer-Encoding: chunked'

const head = (line: string, ...lines: readonly string[]): string =>
  `${[`${line} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`

const chunk = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`)
const PIECE = Buffer.alloc(65_536, ' ')

interface Uploading {
  readonly socket: Socket
  /** Status of the answer, or the code of the error that took its place. */
  readonly result: Promise<string>
}

/** Sends head and content as the socket drains, and all of the content before anything is read where `readsLast`. */
function upload(socket: Socket, start: string, piece: Buffer, readsLast: boolean): Uploading {
  let text = ''
  let left = LONG
  if (readsLast) socket.pause()
  socket.on('data', (data) => {
    text += data.toString('latin1')
  })
  const result = new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => resolve(text.slice(9, 12)))
  })
  socket.write(start)
  const more = (): void => {
    while (left > 0) {
      left -= piece.length
      if (!socket.write(piece)) {
        socket.once('drain', more)
        return
      }
    }
    socket.resume()
  }
  more()
  return { socket, result }
}

function open(t: Test, { url }: TestApp, allowHalfOpen: boolean): Socket {
  const { hostname, port, protocol } = new URL(url)
  const where = { host: hostname, port: Number(port), allowHalfOpen }
  const socket =
    protocol === 'https:'
      ? connectTls({ ...where, ca: readFileSync(file('ca.pem')), servername: 'localhost' })
      : connect(where)
  t.teardown(() => socket.destroy())
  return socket
}

const REFUSALS: Readonly<Record<string, readonly [status: string, start: string, piece: Buffer]>> =
  {
    'content that is announced as too long': [
      '413',
      head('POST /x', ...WHO, JSON_TYPE, LENGTH),
      PIECE,
    ],
    'content that turns out too long': ['413', head('POST /x', ...WHO, JSON_TYPE, CHUNKED), chunk],
    'a write that turns out too long': [
      '413',
      head('PATCH /customers/1', ...WHO, JSON_TYPE, CHUNKED),
      chunk,
    ],
    'content without a token': ['401', head('POST /x', HOST, TENANT, JSON_TYPE, CHUNKED), chunk],
    'content of another type': [
      '415',
      head('POST /x', ...WHO, 'Content-Type: a/b', CHUNKED),
      chunk,
    ],
    'content where none belongs': ['400', head('GET /x', ...WHO, CHUNKED), chunk],
    'content in doubtful framing': ['400', head('POST /x', ...WHO, LENGTH, CHUNKED), chunk],
    'bytes that are no request': ['400', 'no request\r\n\r\n', PIECE],
  }

t.setTimeout(600_000)
for (const tls of [false, true]) {
  const kind = tls ? ' over TLS' : ''
  t.test(`a refusal reaches a client that is still sending${kind}`, async (t) => {
    const upstream = await startUpstream(t)
    const server = { maxRequestBytes: LIMIT, ...(tls ? { tls: TLS } : {}) }
    const app = await buildTestApp(t, upstream.url, { server })
    for (const [what, [status, start, piece]] of Object.entries(REFUSALS)) {
      const results = []
      for (const readsLast of [false, true]) {
        const socket = open(t, app, readsLast)
        // As Node does for those that are not half open.
        if (readsLast) socket.once('end', () => socket.end())
        results.push(await upload(socket, start, piece, readsLast).result)
      }
      t.strictSame(results, [status, status], what)
    }
  })
}

t.test('an early answer of the API reaches a client that is still sending', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { maxRequestBytes: LONG } })
  await upstream.close()
  const socket = open(t, app, false)
  const start = head('POST /x', ...WHO, JSON_TYPE, LENGTH)
  t.equal(await upload(socket, start, PIECE, false).result, '502')
})

const EXPECT = 'Expect: 100-continue'

t.test('content is not asked for before a refusal', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { maxRequestBytes: 100 } })
  for (const [status, ...lines] of [
    [413, ...WHO, JSON_TYPE, 'Content-Length: 101'],
    [401, HOST, TENANT, JSON_TYPE, 'Content-Length: 2'],
    [415, ...WHO, 'Content-Type: text/plain', 'Content-Length: 2'],
    [415, ...WHO, 'Content-Type: text/plain', CHUNKED],
    [400, ...WHO, JSON_TYPE, CHUNKED, 'X_Tenant_Id: 7'],
  ] as const) {
    for (const method of ['POST', 'QUERY']) {
      const connection = openConnection(t, app.url)
      connection.write(head(`${method} /customers/1/x`, ...lines, EXPECT))
      const text = await connection.ended
      t.match(text, new RegExp(`^HTTP/1\\.1 ${status} `))
    }
  }
})

t.test('content is not asked for while the request may still be held back', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  upstream.answer((_received, res) => res.writeHead(500).end())
  // As many as a token that the API has not accepted may leave in doubt.
  for (let i = 0; i < 10; i++) await app.get('/customers/1', { method: 'DELETE' })
  const connection = openConnection(t, app.url)
  connection.write(head('PATCH /customers/1', ...WHO, JSON_TYPE, 'Content-Length: 2', EXPECT))
  t.match(await connection.ended, /^HTTP\/1\.1 503 /)
})

t.test('content that is wanted is asked for, once', async (t) => {
  const upstream = await startUpstream(t)
  for (const maxHeldBytes of [0, 1_000_000]) {
    const app = await buildTestApp(t, upstream.url, { server: { maxHeldBytes } })
    for (const line of ['PATCH /customers/1', 'POST /x', 'QUERY /x']) {
      for (const framing of [
        ['Content-Length: 2', '{}'],
        [CHUNKED, '2\r\n{}\r\n0\r\n\r\n'],
      ] as const) {
        const connection = openConnection(t, app.url)
        connection.write(head(line, ...WHO, JSON_TYPE, framing[0], EXPECT))
        await connection.until((text) => text === 'HTTP/1.1 100 Continue\r\n\r\n')
        connection.write(framing[1])
        const text = await connection.until((text) => text.includes('HTTP/1.1 200 OK\r\n'))
        t.equal(text.match(/^HTTP\/1\.1 /gm)?.length, 2, line)
        connection.socket.destroy()
      }
    }
  }
})

t.test('the last answer of a connection reaches a client that has asked for more', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { drainDelayMs: 300 } })
  await app.get('/customers/1')
  const socket = open(t, app, false)
  await new Promise((done) => socket.once('connect', done))
  const closing = app.close()
  const one = head('GET /customers/1', ...WHO)
  const { result } = upload(socket, one, Buffer.from(one.repeat(1_000)), false)
  t.equal(await result, '200')
  await closing
})

t.test('nothing is answered behind a refusal of who was not told to go on', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const refused = 'POST /things HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n'
  for (const behind of ['{}', 'GET /things HTTP/1.1\r\nHost: a\r\n\r\n']) {
    const connection = openConnection(t, app.url)
    connection.write(refused + behind)
    const text = await connection.ended
    t.equal(text.split('HTTP/1.1 ').length - 1, 1, JSON.stringify(text))
  }
  t.equal(upstream.requests.length, 0)
})
