/** What the client gets when the upstream fails: the right gateway status, and nothing of the inside. */
import t, { type Test } from 'tap'
import { LocalFences } from '../../src/stores/local-fences.ts'
import { buildTestApp, HEADERS, type Reply, type TestApp } from '../helpers/app.ts'
import { FakeClock } from '../helpers/clock.ts'
import { freePort } from '../helpers/free-port.ts'
import { exchange, type RawConnection, startRawUpstream } from '../helpers/raw-socket.ts'
import { startUpstream } from '../helpers/upstream.ts'

const BASE = `Host: layby.test\r\nAuthorization: ${HEADERS.authorization}\r\nX-Tenant-Id: 7\r\n`
const SHORT = { upstream: { headersTimeoutMs: 150, bodyTimeoutMs: 150, connectTimeoutMs: 150 } }

/** A read through the cache, one beside it, one that passes, and a write whose answer is read. */
const WAYS = [
  ['GET', '/customers/1'],
  ['HEAD', '/customers/1/'],
  ['GET', '/customers/1?a=b'],
  ['GET', '/things'],
  ['PATCH', '/customers/1'],
  ['POST', '/locations/1/customers'],
  ['DELETE', '/things/1'],
] as const

function checkGatewayProblem(
  t: Test,
  app: TestApp,
  reply: Reply,
  code: string,
  isHead = false,
): void {
  t.equal(reply.status, code === 'upstream_timeout' ? 504 : 502)
  t.equal(reply.headers['content-type'], 'application/problem+json')
  t.equal(reply.headers['cache-control'], 'no-store')
  t.equal(reply.headers['cache-status'], undefined)
  t.match(reply.headers['x-request-id'], /^[0-9a-f-]{36}$/)
  if (!isHead) t.equal((JSON.parse(reply.body) as { code: string }).code, code)
  const id = reply.headers['x-request-id']
  const report = app.reports.find(({ requestId }) => requestId === id)
  t.equal(report?.problem, code)
  t.equal(report?.outcome.kind, 'failed')
  const told = `${reply.reason}${reply.body}${JSON.stringify(reply.headers)}`
  t.notMatch(told, /ECONN|UND_ERR|HPE_|undici/)
  t.notMatch(told + app.logged(), /127\.0\.0\.1|localhost|[.]js:|[.]ts:|\n +at /)
}

/** All at once: each waits for its own deadline. */
async function failEverywhere(t: Test, app: TestApp, code: string): Promise<void> {
  const replies = await Promise.all(WAYS.map(([method, path]) => app.get(path, { method })))
  for (const [i, [method, path]] of WAYS.entries()) {
    await t.test(`${method} ${path}`, async (t) => {
      checkGatewayProblem(t, app, replies[i] as Reply, code, method === 'HEAD')
    })
  }
}

t.test('an upstream that is not there is 502', async (t) => {
  const app = await buildTestApp(t, `http://127.0.0.1:${await freePort()}`)
  await failEverywhere(t, app, 'upstream_unreachable')
})

t.test('an upstream that says nothing is 504 at the deadline for the head', async (t) => {
  const upstream = await startRawUpstream(t, () => {})
  const app = await buildTestApp(t, upstream.url, SHORT)
  await failEverywhere(t, app, 'upstream_timeout')
})

t.test('an upstream that begins its head and says no more is 504', async (t) => {
  const upstream = await startRawUpstream(t, async ({ until, write }) => {
    await until((text) => text.includes('\r\n\r\n'))
    write('HTTP/1.1 200 OK\r\nContent-Ty')
  })
  const app = await buildTestApp(t, upstream.url, SHORT)
  await failEverywhere(t, app, 'upstream_timeout')
})

t.test('a cached read is 504 at its total deadline, however often a byte comes', async (t) => {
  const upstream = await startRawUpstream(t, async ({ socket, until, write }) => {
    await until((text) => text.includes('\r\n\r\n'))
    write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n')
    const drip = setInterval(() => write('x'), 20)
    socket.on('close', () => clearInterval(drip))
  })
  const app = await buildTestApp(t, upstream.url, {
    upstream: { headersTimeoutMs: 200, totalTimeoutMs: 200 },
  })
  checkGatewayProblem(t, app, await app.get('/customers/1'), 'upstream_timeout')
})

t.test('a streamed body that pauses too long has no clean end', async (t) => {
  const upstream = await startRawUpstream(t, async ({ until, write }) => {
    await until((text) => text.includes('\r\n\r\n'))
    write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n12345')
  })
  await checkCutOff(t, await buildTestApp(t, upstream.url, SHORT))
})

t.test('a short body that pauses too long is 504', async (t) => {
  const upstream = await startRawUpstream(t, async ({ until, write }) => {
    await until((text) => text.includes('\r\n\r\n'))
    write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345')
  })
  const app = await buildTestApp(t, upstream.url, SHORT)
  checkGatewayProblem(t, app, await app.get('/customers/1'), 'upstream_timeout')
  checkGatewayProblem(
    t,
    app,
    await app.get('/customers/1', { method: 'PATCH' }),
    'upstream_timeout',
  )
  checkGatewayProblem(t, app, await app.get('/things'), 'upstream_timeout')
})

/** A streamed answer whose source fails must not look complete. */
async function checkCutOff(t: Test, app: TestApp): Promise<void> {
  const { replies, closed, text } = await exchange(app.url, `GET /things HTTP/1.1\r\n${BASE}\r\n`)
  t.match(text, /^HTTP\/1\.1 200 /)
  t.equal(replies.length, 0, 'not complete')
  t.ok(closed)
}

const OK = 'HTTP/1.1 200 OK\r\n'
const END = '\r\n\r\n{}'
const JSON_TYPE = 'Content-Type: application/json\r\n'

/** Answers whose head can't be trusted. */
const BAD_HEADS: Readonly<Record<string, string>> = {
  nothing: '',
  garbage: 'zq garbage qz\r\n\r\n',
  'another protocol': '220 mail.test ESMTP\r\n',
  'an alert of TLS': '\x15\x03\x01\x00\x02\x02\x46',
  'frames of HTTP/2': '\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80',
  'a request': 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'another version': `HTTP/3.0 200 OK\r\nContent-Length: 2${END}`,
  'status 0': `HTTP/1.1 0 No\r\nContent-Length: 2${END}`,
  'status 000': `HTTP/1.1 000 No\r\nContent-Length: 2${END}`,
  'status 099': `HTTP/1.1 099 No\r\nContent-Length: 2${END}`,
  'status 600': `HTTP/1.1 600 No\r\nContent-Length: 2${END}`,
  'status 999': `HTTP/1.1 999 No\r\nContent-Length: 2${END}`,
  'status 1000': `HTTP/1.1 1000 No\r\nContent-Length: 2${END}`,
  'no status': `HTTP/1.1 OK\r\nContent-Length: 2${END}`,
  'a change of protocol':
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n',
  'only an interim answer': 'HTTP/1.1 100 Continue\r\n\r\n',
  'half a head': `${OK}Content-Type: appl`,
  'NUL in a value': `${OK}X-A: a\0b\r\nContent-Length: 2${END}`,
  'control in a value': `${OK}X-A: a\x01b\r\nContent-Length: 2${END}`,
  'CR in a value': `${OK}X-A: a\rX-B: b\r\nContent-Length: 2${END}`,
  'space in a name': `${OK}X A: a\r\nContent-Length: 2${END}`,
  'byte above ASCII in a name': `${OK}X-\xe4: a\r\nContent-Length: 2${END}`,
  'no colon': `${OK}X-A\r\nContent-Length: 2${END}`,
  'space before the colon': `${OK}Content-Length : 2${END}`,
  'two lengths': `${OK}Content-Length: 2\r\nContent-Length: 3${END}x`,
  'a length beside chunks': `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  'a length that is none': `${OK}Content-Length: two${END}`,
  'a negative length': `${OK}Content-Length: -2${END}`,
  'a head of 100 KB': `${OK}X-A: ${'a'.repeat(100_000)}\r\nContent-Length: 2${END}`,
  '100 KB of fields': `${OK}${'X-A: aaaaa\r\n'.repeat(9_000)}Content-Length: 2${END}`,
}

t.test('an answer whose head is not sound HTTP is 502', async (t) => {
  for (const [name, bytes] of Object.entries(BAD_HEADS)) {
    await t.test(name, async (t) => {
      const upstream = await startRawUpstream(t, answerThenEnd(bytes))
      const app = await buildTestApp(t, upstream.url)
      await failEverywhere(t, app, 'upstream_unreachable')
    })
  }
})

function answerThenEnd(bytes: string): (connection: RawConnection) => Promise<void> {
  return async ({ socket, until }) => {
    await until((text) => text.includes('\r\n\r\n'))
    socket.end(Buffer.from(bytes, 'latin1'))
  }
}

/** Answers whose body breaks off, or goes wrong. */
const BAD_BODIES: Readonly<Record<string, string>> = {
  'shorter than its length': `${OK}${JSON_TYPE}Content-Length: 10${END}`,
  'chunks without the last one': `${OK}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n`,
  'within a chunk': `${OK}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n5\r\n{}`,
  'a chunk that is none': `${OK}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzq\r\n`,
}

t.test(
  'a body that breaks off is 502 where it is read whole, and no clean end elsewhere',
  async (t) => {
    for (const [name, bytes] of Object.entries(BAD_BODIES)) {
      await t.test(name, async (t) => {
        const upstream = await startRawUpstream(t, answerThenEnd(bytes))
        const app = await buildTestApp(t, upstream.url)
        for (const [method, path] of [
          ['GET', '/customers/1'],
          ['PATCH', '/customers/1'],
        ] as const) {
          const reply = await app.get(path, { method })
          checkGatewayProblem(t, app, reply, 'upstream_unreachable')
        }
        // Short and of known length, it is read whole there too.
        if (/Content-Length/i.test(bytes)) {
          checkGatewayProblem(t, app, await app.get('/things'), 'upstream_unreachable')
        } else {
          await checkCutOff(t, app)
        }
        const before = upstream.connections.length
        checkGatewayProblem(t, app, await app.get('/customers/1'), 'upstream_unreachable')
        t.equal(upstream.connections.length, before + 1, 'nothing was stored')
      })
    }
  },
)

t.test('only-if-cached without a copy is 504 and asks nobody', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  for (const path of ['/customers/1', '/customers/1/']) {
    const reply = await app.get(path, { headers: { 'cache-control': 'only-if-cached' } })
    t.equal(reply.status, 504)
    t.equal((JSON.parse(reply.body) as { code: string }).code, 'not_cached')
    t.equal(reply.headers['cache-status'], undefined)
  }
  t.equal(upstream.requests.length, 0)
  await app.get('/customers/1')
  const hit = await app.get('/customers/1', { headers: { 'cache-control': 'only-if-cached' } })
  t.equal(hit.status, 200)
})

t.test('a Layby behind a Layby is a loop, told to the client as it came', async (t) => {
  const upstream = await startUpstream(t)
  const inner = await buildTestApp(t, upstream.url)
  const outer = await buildTestApp(t, inner.url)
  for (const path of ['/customers/1', '/things']) {
    const reply = await outer.get(path)
    t.equal(reply.status, 508)
    t.equal(reply.reason, 'Loop detected')
    t.equal((JSON.parse(reply.body) as { code: string }).code, 'loop')
    t.match(reply.headers['cache-status'], /^layby; fwd=/)
  }
  t.equal(upstream.requests.length, 0)
})

t.test('a fault of our own is 500, told in the log alone, and not the upstream’s', async (t) => {
  const upstream = await startUpstream(t)
  const clock = new FakeClock()
  const fences = new Proxy(new LocalFences({ clock, maxFences: 1_024 }), {
    get: () => () => {
      throw new TypeError('zqcanaryqz')
    },
  })
  const app = await buildTestApp(t, upstream.url, {}, { clock, fences })
  for (const [method, path] of [
    ['PATCH', '/customers/1'],
    ['GET', '/customers/1?a'],
    ['GET', '/customers/1'],
  ] as const) {
    const reply = await app.get(path, { method })
    t.equal(reply.status, 500, `${method} ${path}`)
    t.equal((JSON.parse(reply.body) as { code: string }).code, 'internal_error')
    t.equal(reply.headers['connection'], 'close')
    t.notMatch(reply.body, 'zqcanaryqz')
  }
  const faults = app
    .logged()
    .split('\n')
    .filter((line) => line.includes('internal error'))
  t.equal(faults.length, 3)
  t.match(faults[0], 'TypeError')
  t.equal(upstream.requests.length, 0)
})

t.test('an error of the upstream passes byte for byte, also on a cached route', async (t) => {
  const upstream = await startUpstream(t, (_, res) => {
    res.writeHead(400, 'Customer.name: too long', { 'Content-Type': 'application/json' })
    res.end('{"field":  "Customer.name"}')
  })
  const app = await buildTestApp(t, upstream.url)
  for (const [method, path] of WAYS) {
    if (method === 'HEAD') continue
    const reply = await app.get(path, { method })
    t.equal(reply.status, 400)
    t.equal(reply.reason, 'Customer.name: too long')
    t.equal(reply.headers['content-type'], 'application/json')
    t.equal(reply.body, '{"field":  "Customer.name"}')
  }
})

t.test(
  'a fault before anything is awaited costs its own request and not the process',
  async (t) => {
    const upstream = await startUpstream(t)
    let faults = 0
    const newRequestId = (): string => {
      if (faults++ === 0) throw new TypeError('zqcanaryqz')
      return '0198c0de-0000-4000-8000-000000000000'
    }
    const app = await buildTestApp(t, upstream.url, {}, { newRequestId })
    const reply = await app.get('/customers/1')
    t.equal(reply.status, 500)
    t.notMatch(reply.body, /zqcanaryqz/)
    t.match(app.logged(), /internal error/)
    t.equal((await app.get('/customers/1')).status, 200)
  },
)
