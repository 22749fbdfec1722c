/** Interim answers of the API (RFC 9110 section 15.2): 100 is skipped, 102 and 103 go on to clients of HTTP/1.1. */
import t, { type Test } from 'tap'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { openConnection, type RawConnection, startRawUpstream } from '../helpers/raw-socket.ts'

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'
const HINTS =
  'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: x-b\r\nX-B: c\r\nContent-Length: 9\r\n\r\n'
const PROCESSING = 'HTTP/1.1 102 Processing\r\n\r\n'
const BODY = '{"id":1,"parent_id":null}'
const FINAL = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Api-Version: 2023/04/19\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
const LINES = Object.entries(HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')

/** An API that answers each request by the same pieces. A pause before a piece: null. */
async function startApi(t: Test, ...pieces: (string | null)[]) {
  const requests: string[] = []
  const serve = async ({ until, write }: RawConnection): Promise<void> => {
    for (let n = 1; ; n++) {
      const text = await until((seen) => seen.split(/\r\n\r\n(?:\{\})?/).length > n)
      requests.push(text)
      for (const piece of pieces) {
        if (piece === null) await new Promise((done) => setTimeout(done, 30))
        else write(piece)
      }
    }
  }
  return { ...(await startRawUpstream(t, serve)), requests }
}

const get = (path: string, version = '1.1'): string =>
  `GET ${path} HTTP/${version}\r\nHost: a\r\n${LINES}\r\n`
const patch = (path: string): string =>
  `PATCH ${path} HTTP/1.1\r\nHost: a\r\n${LINES}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`

t.test('100 Continue that nobody asked for is skipped, for every kind of request', async (t) => {
  const pieces: Record<string, (string | null)[]> = {
    'in one piece': [CONTINUE + FINAL],
    'before the answer': [CONTINUE, null, FINAL],
    'cut anywhere': [CONTINUE.slice(0, 9), null, `${CONTINUE.slice(9)}HT`, null, FINAL.slice(2)],
    'many times': [CONTINUE.repeat(200) + FINAL],
  }
  for (const [name, some] of Object.entries(pieces)) {
    const api = await startApi(t, ...some)
    const app = await buildTestApp(t, api.url)
    for (const path of ['/customers/1', '/other']) t.equal((await app.get(path)).body, BODY, name)
    const body = '{}'
    const headers = { 'content-type': 'application/json' }
    t.equal((await app.get('/customers/1', { method: 'PATCH', body, headers })).status, 200, name)
    t.equal(api.connections.length, 1, 'the connection is kept')
  }
})

t.test('100 Continue is no failure for the breaker', async (t) => {
  const api = await startApi(t, CONTINUE + FINAL)
  const app = await buildTestApp(t, api.url)
  for (let id = 1; id <= 12; id++) t.equal((await app.get(`/customers/${id}`)).status, 200)
  t.equal(api.requests.length, 12)
})

t.test('102 and 103 are forwarded before the answer, with what is end to end', async (t) => {
  const api = await startApi(t, PROCESSING + HINTS, null, FINAL)
  const app = await buildTestApp(t, api.url)
  const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n'
  for (const request of [
    get('/other'),
    get('/customers/1?a=b'),
    patch('/other'),
    patch('/customers/1'),
  ]) {
    const connection = openConnection(t, app.url)
    connection.write(request)
    const text = await connection.until((seen) => seen.endsWith(BODY))
    t.ok(text.startsWith(`${PROCESSING}${hints}HTTP/1.1 200 OK\r\n`), text.slice(0, 200))
    // The connection goes on.
    connection.write(get('/customers/1/x'))
    await connection.until((seen) => seen.split(BODY).length === 3)
  }
})

t.test('interim answers never get before the answer to an earlier request', async (t) => {
  const api = await startApi(t, HINTS, null, FINAL)
  const app = await buildTestApp(t, api.url)
  const connection = openConnection(t, app.url)
  connection.write(get('/one') + get('/two') + get('/three'))
  const text = await connection.until((seen) => seen.split(BODY).length === 4)
  for (const part of text.split(BODY).slice(0, 3)) {
    t.match(part, /^(HTTP\/1\.1 103 [\s\S]*?\r\n\r\n)?HTTP\/1\.1 200 /)
  }
})

t.test('a client of HTTP/1.0 gets no interim answer', async (t) => {
  const api = await startApi(t, PROCESSING + HINTS, null, FINAL)
  const app = await buildTestApp(t, api.url)
  const connection = openConnection(t, app.url)
  connection.write(get('/other', '1.0'))
  t.match(await connection.ended, /^HTTP\/1\.1 200 OK/)
})

t.test('interim answers without end are not followed without end', async (t) => {
  const api = await startApi(t, HINTS.repeat(500) + FINAL)
  const app = await buildTestApp(t, api.url)
  const connection = openConnection(t, app.url)
  connection.write(get('/other'))
  const text = await connection.until((seen) => seen.endsWith(BODY))
  t.equal(text.split('HTTP/1.1 103 ').length - 1, 32)
})

t.test('an interim answer that can not be forwarded is skipped', async (t) => {
  const odd = `HTTP/1.1 103 Early Hints\r\nX-A: a\x01b\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n`
  const api = await startApi(t, odd + FINAL)
  const app = await buildTestApp(t, api.url)
  const connection = openConnection(t, app.url)
  connection.write(get('/other'))
  t.match(await connection.until((seen) => /\r\n\r\n[\s\S]/.test(seen)), /^HTTP\/1\.1 (200|502) /)
})

t.test('101 that nobody asked for is a failure', async (t) => {
  for (const more of ['', 'Connection: upgrade\r\nUpgrade: a\r\n']) {
    const api = await startApi(t, `HTTP/1.1 101 Switching Protocols\r\n${more}\r\n${FINAL}`)
    const app = await buildTestApp(t, api.url)
    for (const path of ['/other', '/customers/1']) t.equal((await app.get(path)).status, 502)
  }
})
