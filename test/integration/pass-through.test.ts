/** What passes through: as the upstream sent it, sent on once, and nothing of the connection's own. */
import t from 'tap'
import { buildTestApp, HEADERS, VERSION } from '../helpers/app.ts'
import { exchange, startRawUpstream, startWiretap } from '../helpers/raw-socket.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const BASE = [
  'Host: layby.test',
  `Authorization: ${HEADERS.authorization}`,
  'X-Tenant-Id: 7',
  `X-Api-Version: ${VERSION}`,
]

function message(first: string, lines: readonly string[] = [], content = ''): string {
  return `${[first, ...BASE, ...lines].join('\r\n')}\r\n\r\n${content}`
}

function hasHead(text: string): boolean {
  return text.includes('\r\n\r\n')
}

/** An upstream that answers every request with these bytes, and keeps the connection. */
async function answering(t: Parameters<typeof startRawUpstream>[0], bytes: string) {
  return startRawUpstream(t, async (connection) => {
    for (let n = 1; ; n++) {
      await connection.until((text) => text.split('\r\n\r\n').length > n)
      connection.write(bytes)
    }
  })
}

t.test('status, reason phrase, headers and body arrive as the upstream sent them', async (t) => {
  const upstream = await answering(
    t,
    [
      'HTTP/1.1 409 CustomerAddress.line_1: must be given, "at once"',
      'Server: WSGIServer/0.2 CPython/3.9.5',
      'Date: Sat, 20 Aug 2022 10:11:12 GMT',
      'Set-Cookie: a=1; Path=/',
      'X-Odd:  two  spaces ',
      'set-cookie: b=2, c=3',
      'X-Empty:',
      'X-Latin: caf\xe9',
      'Cache-Control: public, s-maxage=60',
      'Retry-After: 5',
      'Vary: Accept-Language',
      'Content-Type: application/json;charset=latin1',
      'Content-Length: 5',
      '',
      '\0\xff\xe9{"',
    ].join('\r\n'),
  )
  const app = await buildTestApp(t, upstream.url)
  const { replies } = await exchange(app.url, message('GET /customers/1/addresses HTTP/1.1'))
  const [reply] = replies
  t.equal(reply?.status, 409)
  t.equal(reply?.reason, 'CustomerAddress.line_1: must be given, "at once"')
  t.equal(reply?.body, '\0\xff\xe9{"')
  const lines = reply?.lines.filter((line) => !/^(X-Request-Id|Connection|Keep-Alive)/.test(line))
  t.same(lines, [
    'server: WSGIServer/0.2 CPython/3.9.5',
    'date: Sat, 20 Aug 2022 10:11:12 GMT',
    'set-cookie: a=1; Path=/',
    'x-odd: two  spaces',
    'set-cookie: b=2, c=3',
    'x-empty: ',
    'x-latin: caf\xe9',
    'cache-control: public, s-maxage=60',
    'retry-after: 5',
    'vary: Accept-Language',
    'content-type: application/json;charset=latin1',
    'content-length: 5',
    'CDN-Cache-Control: no-store',
    'Via: 1.1 layby',
    'Cache-Status: layby; fwd=bypass',
  ])
})

t.test('statuses of every class pass, and are never stored', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  for (const status of [
    200, 201, 202, 204, 301, 302, 304, 307, 400, 401, 404, 406, 409, 418, 429, 500, 503, 599,
  ]) {
    await t.test(String(status), async (t) => {
      const before = upstream.requests.length
      upstream.answer((_, res) => {
        const isBodiless = status === 204 || status === 304
        res.writeHead(status, `Reason ${status}`, { Location: 'http://10.0.0.1/inside' })
        res.end(isBodiless ? undefined : `body ${status}`)
      })
      for (let i = 0; i < 2; i++) {
        // Only who asked by a condition can be answered with a 304.
        const headers = status === 304 ? { 'if-none-match': '"a"' } : {}
        const reply = await app.get(`/things/${status}`, { headers })
        t.equal(reply.status, status)
        t.equal(reply.reason, `Reason ${status}`)
        t.equal(reply.headers['location'], 'http://10.0.0.1/inside', 'passed on, not followed')
        t.equal(reply.body, status === 204 || status === 304 ? '' : `body ${status}`)
      }
      t.equal(upstream.requests.length, before + 2, 'asked each time, once')
    })
  }
})

const PHRASES: Readonly<Record<string, string>> = {
  'in UTF-8': 'Customer.name: \xc3\xa9t\xc3\xa9 \xe2\x82\xac',
  absent: '',
  'with a tab': 'a\tb',
}

t.test('a reason phrase passes byte for byte', async (t) => {
  for (const [name, phrase] of Object.entries(PHRASES)) {
    await t.test(name, async (t) => {
      const upstream = await answering(
        t,
        `HTTP/1.1 400 ${phrase}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
      )
      const app = await buildTestApp(t, upstream.url)
      for (const path of ['/customers/1', '/things']) {
        const { replies } = await exchange(app.url, message(`GET ${path} HTTP/1.1`))
        t.equal(replies[0]?.status, 400)
        t.equal(replies[0]?.reason, phrase, path)
      }
    })
  }
})

t.test('hop-by-hop headers, and those that Connection names, stay on their side', async (t) => {
  const upstream = await answering(
    t,
    [
      'HTTP/1.1 200 OK',
      'Connection: X-Secret, keep-alive',
      'Connection: x-SECOND',
      'X-Secret: zqcanaryqz',
      'X-Second: zqcanaryqz',
      'Keep-Alive: timeout=zqcanaryqz',
      'Proxy-Authenticate: zqcanaryqz',
      'Proxy-Connection: zqcanaryqz',
      'TE: zqcanaryqz',
      'Trailer: zqcanaryqz',
      'Upgrade: zqcanaryqz',
      'X-Kept: yes',
      'Transfer-Encoding: chunked',
      '',
      '2',
      '{}',
      '0',
      'X-Trailing: zqcanaryqz',
      '',
      '',
    ].join('\r\n'),
  )
  const app = await buildTestApp(t, upstream.url)
  for (const path of ['/things', '/customers/1', '/customers/1?a=b']) {
    const lines = [
      'Connection: keep-alive, TE, Upgrade, HTTP2-Settings',
      'TE: trailers, zqcanaryqz',
      'Keep-Alive: timeout=zqcanaryqz',
      'Proxy-Authorization: zqcanaryqz',
      'Proxy-Connection: zqcanaryqz',
      'Trailer: zqcanaryqz',
      'Upgrade: zqcanaryqz',
      'HTTP2-Settings: zqcanaryqz',
    ]
    const { replies, text } = await exchange(app.url, message(`GET ${path} HTTP/1.1`, lines))
    t.equal(replies[0]?.status, 200, path)
    t.equal(replies[0]?.headers.get('x-kept'), 'yes')
    t.equal(replies[0]?.body, '{}')
    t.notMatch(text, 'zqcanaryqz')
  }
  t.notMatch(upstream.connections.map(({ text }) => text).join(), 'zqcanaryqz')
})

const PASSED_ON: Readonly<Record<string, string>> = {
  accept: 'application/json;q=0.5',
  'accept-encoding': 'br',
  'accept-language': 'de',
  'access-control-request-headers': 'x-a',
  'access-control-request-method': 'PATCH',
  'cache-control': 'no-transform',
  'content-type': 'application/json',
  'idempotency-key': 'a key',
  'if-match': '"a"',
  'if-modified-since': 'Sat, 20 Aug 2022 10:11:12 GMT',
  'if-none-match': '"b", "c"',
  'if-range': '"d"',
  'if-unmodified-since': 'Sat, 20 Aug 2022 10:11:12 GMT',
  origin: 'https://app.test',
  prefer: 'return=minimal',
  range: 'bytes=0-1',
  tracestate: 'a=b',
  'user-agent': 'driver-app/1.2 (\xe9)',
}

t.test('request headers are an allow-list: the named ones as they came, no other', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const more = [
    'cookie',
    'pragma',
    'x-custom',
    'dnt',
    'referer',
    'expect',
    'x-forwarded-for',
    'date',
  ]
  const lines = [
    ...Object.entries(PASSED_ON).map(([name, value]) => `${name}: ${value}`),
    'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    ...more.map((name) => `${name}: ${name === 'expect' ? '100-continue' : 'a'}`),
  ]
  await exchange(app.url, message('PUT /things HTTP/1.1', lines))
  const { host, connection, via, traceparent, ...received } = upstream.requests[0]?.headers ?? {}
  const { 'x-request-id': id, ...rest } = received
  t.same(
    { ...rest, 'content-length': undefined },
    {
      ...PASSED_ON,
      authorization: HEADERS.authorization,
      'x-tenant-id': '7',
      'x-api-version': VERSION,
      'content-length': undefined,
    },
  )
  t.equal(`http://${host}`, upstream.url, 'the host is the upstream, not what the client said')
  t.equal(connection, 'keep-alive')
  t.equal(via, '1.1 layby')
  t.match(id, /^[0-9a-f-]{36}$/)
  t.match(traceparent, /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/)
})

t.test('Via grows both ways', async (t) => {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, '{}', { Via: ['1.0 fred', '1.1 p.example.net'] }),
  )
  const app = await buildTestApp(t, upstream.url)
  const lines = ['Via: 1.0 ricky', 'Via: 1.1 ethel (a, b)']
  for (const path of ['/things', '/customers/1?a']) {
    const { replies } = await exchange(app.url, message(`GET ${path} HTTP/1.1`, lines))
    t.equal(upstream.requests.at(-1)?.headers.via, '1.0 ricky, 1.1 ethel (a, b), 1.1 layby')
    t.equal(replies[0]?.headers.get('via'), '1.0 fred, 1.1 p.example.net, 1.1 layby')
  }
})

t.test(
  'x-request-id is on every answer and goes upstream, the upstream’s own is not told',
  async (t) => {
    const upstream = await startUpstream(t, (received, res) =>
      sendJson(res, received, '{}', { 'X-REQUEST-ID': 'ffffffff-0000-7000-8000-000000000000' }),
    )
    const app = await buildTestApp(t, upstream.url)
    const own = '0198c0de-0000-7000-8000-000000000001'
    for (const [path, method] of [
      ['/things', 'GET'],
      ['/customers/1', 'GET'],
      ['/customers/1', 'PATCH'],
      ['/customers/1?a', 'GET'],
    ] as const) {
      const reply = await app.get(path, { method, headers: { 'x-request-id': own } })
      t.equal(reply.headers['x-request-id'], own, `${method} ${path}`)
      t.equal(upstream.requests.at(-1)?.headers['x-request-id'], own)
      // A copy younger than a second answers `no-store` too.
      app.clock.advance(1_001)
      const fresh = await app.get(path, { method, headers: { 'cache-control': 'no-store' } })
      t.match(fresh.headers['x-request-id'], /^[0-9a-f-]{36}$/)
      t.equal(upstream.requests.at(-1)?.headers['x-request-id'], fresh.headers['x-request-id'])
    }
  },
)

t.test(
  'nothing is sent twice when the upstream resets the connection, but a read for the cache on a used one',
  async (t) => {
    for (const [method, path] of [
      ['PATCH', '/customers/1'],
      ['POST', '/customers/1/contacts'],
      ['PUT', '/things'],
      ['DELETE', '/customers/1/addresses/2'],
      ['GET', '/things'],
      ['GET', '/customers/1'],
      ['OPTIONS', '/things'],
    ] as const) {
      for (const state of ['a new connection', 'a used connection']) {
        await t.test(`${method} ${path} on ${state}`, async (t) => {
          let received = 0
          const upstream = await startRawUpstream(t, async ({ socket, until, write }) => {
            if (state === 'a used connection') {
              const first = await until(hasHead)
              if (first.startsWith('GET /first ')) {
                write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
                await until((text) => text.split('\r\n\r\n').length > 2)
              }
            }
            await until(hasHead)
            received++
            socket.resetAndDestroy()
          })
          const app = await buildTestApp(t, upstream.url)
          if (state === 'a used connection') t.equal((await app.get('/first')).status, 200)
          const reply = await app.get(path, { method })
          t.equal(reply.status, 502)
          const isReadAgain =
            state === 'a used connection' && `${method} ${path}` === 'GET /customers/1'
          t.equal(received, isReadAgain ? 2 : 1)
          t.equal(upstream.connections.length, isReadAgain ? 2 : 1)
        })
      }
    }
  },
)

t.test('503 and 429 pass with their Retry-After, and are not asked again', async (t) => {
  const upstream = await startUpstream(t, (received, res, n) => {
    sendJson(res, received, '{}', { 'Retry-After': '0' }, n % 2 === 0 ? 429 : 503)
  })
  const app = await buildTestApp(t, upstream.url)
  for (const [method, path] of [
    ['GET', '/things'],
    ['GET', '/customers/1'],
    ['POST', '/things'],
    ['PATCH', '/customers/1'],
  ] as const) {
    const before = upstream.requests.length
    const reply = await app.get(path, { method })
    t.ok(reply.status === 503 || reply.status === 429)
    t.equal(reply.headers['retry-after'], '0')
    t.equal(upstream.requests.length, before + 1, `${method} ${path}`)
  }
})

t.test('a CORS preflight passes without credentials, whatever the path', async (t) => {
  const upstream = await startUpstream(t, (_, res) => {
    res.writeHead(204, { 'Access-Control-Allow-Origin': '*', Allow: 'GET,PATCH' })
    res.end()
  })
  const app = await buildTestApp(t, upstream.url)
  for (const path of ['/customers/1', '/customers/1/', '/customers/0/x', '/things']) {
    const reply = await app.get(path, {
      method: 'OPTIONS',
      headers: {
        authorization: undefined,
        'x-tenant-id': undefined,
        'x-api-version': undefined,
        origin: 'https://app.test',
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'authorization,x-tenant-id',
      },
    })
    t.equal(reply.status, 204, path)
    t.equal(reply.headers['access-control-allow-origin'], '*')
    const { headers, url } = upstream.requests.at(-1) ?? {}
    t.equal(url, path)
    t.equal(headers?.origin, 'https://app.test')
    t.equal(headers?.['access-control-request-method'], 'PATCH')
    t.equal(headers?.['access-control-request-headers'], 'authorization,x-tenant-id')
    t.equal(headers?.authorization, undefined)
  }
  t.equal(upstream.requests.length, 4)
})

t.test('every method that the API knows passes, with and without content', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
    for (const body of [undefined, '{"name": "\u00e9"}']) {
      for (const path of ['/things', '/customers/1', '/']) {
        const headers = body === undefined ? {} : { 'content-type': 'application/json' }
        const reply = await app.get(path, {
          method,
          headers,
          ...(body === undefined ? {} : { body }),
        })
        t.equal(reply.status, 200, `${method} ${path} ${body === undefined ? 'without' : 'with'}`)
        const received = upstream.requests.at(-1)
        t.equal(received?.method, method)
        t.equal(received?.url, path)
        t.equal(received?.body, body ?? '')
      }
    }
  }
  const head = await app.get('/things', { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(upstream.requests.at(-1)?.method, 'HEAD')
  t.ok(Number(head.headers['content-length']) > 0, 'HEAD says how long the body would be')
})

t.test('a path prefix of upstream.url goes before every path', async (t) => {
  const upstream = await startUpstream(t)
  for (const [base, prefix] of [
    ['/v0', '/v0'],
    ['/v0/', '/v0'],
    ['/a/b//', '/a/b'],
    ['/', ''],
  ]) {
    const app = await buildTestApp(t, `${upstream.url}${base}`)
    for (const path of ['/customers/1', '/customers/2/', '/things?a=/v0', '/', '/customers/3?x']) {
      t.equal((await app.get(path)).status, 200)
      t.equal(upstream.requests.at(-1)?.url, `${prefix}${path}`)
    }
    await app.get('/customers/4', { method: 'PATCH' })
    t.equal(upstream.requests.at(-1)?.url, `${prefix}/customers/4`)
  }
})

t.test('path and query pass byte for byte', async (t) => {
  const upstream = await startUpstream(t)
  const wire = await startWiretap(t, upstream.url)
  const app = await buildTestApp(t, wire.url)
  for (const target of [
    '/things?a=b&a=c&&=&d',
    '/things?%zz=%&b=%2e%2E%2f../..//?x',
    '/things?q=\'%27%22"<>[]{}|\\^`',
    '/things?a=+%20;b=1',
    `/things?${'a'.repeat(8_000)}`,
    '/th%C3%A4ngs/%ff%FE/a%20b',
    "/things/a:b@c!$&'()*+,=~-._",
    `/things/${'a'.repeat(8_000)}`,
    '/customers/1/addresses/?page_index=1&page_limit=1000',
    '/customers?name=%C3%A9&active=True',
  ]) {
    const before = wire.text.length
    const { replies } = await exchange(app.url, message(`GET ${target} HTTP/1.1`))
    t.equal(replies[0]?.status, 200, target.slice(0, 60))
    t.equal(wire.text.slice(before).split('\r\n')[0], `GET ${target} HTTP/1.1`)
  }
})

t.test('Cache-Status says why a request went on, behind what the upstream said', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const read = await app.get('/things')
  t.equal(read.headers['cache-status'], 'layby; fwd=bypass')
  for (const method of ['PATCH', 'POST', 'PUT', 'DELETE']) {
    const write = await app.get('/customers/1', { method })
    t.equal(write.headers['cache-status'], 'layby; fwd=method', method)
  }
  upstream.answer((received, res) =>
    sendJson(res, received, '{}', { 'Cache-Status': ['origin; hit', 'edge; fwd=miss'] }),
  )
  const { replies } = await exchange(app.url, message('PATCH /things HTTP/1.1'))
  t.equal(replies[0]?.headers.get('cache-status'), 'origin; hit, edge; fwd=miss, layby; fwd=method')
})

t.test('what a CDN may keep is said here, not by the upstream', async (t) => {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, '{}', { 'CDN-Cache-Control': 'max-age=600' }),
  )
  const app = await buildTestApp(t, upstream.url)
  for (const [path, method] of [
    ['/things', 'GET'],
    ['/customers/1?a', 'GET'],
    ['/customers/1', 'GET'],
    ['/customers/1', 'PATCH'],
  ] as const) {
    const { replies } = await exchange(app.url, message(`${method} ${path} HTTP/1.1`))
    t.equal(replies[0]?.headers.get('cdn-cache-control'), 'no-store', `${method} ${path}`)
  }
})

t.test('paths that are no cached route are never stored, whatever the upstream says', async (t) => {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, '{}', { 'Cache-Control': 'public, max-age=600', ETag: '"a"' }),
  )
  const app = await buildTestApp(t, upstream.url)
  const paths = [
    '/',
    '/things',
    '/customers',
    '/customers/',
    '/Customers/1',
    '/customers/1/contacts',
    '/customers/1.json',
    '/locations/1/customers/1',
    '/v0/customers/1',
  ]
  for (const path of paths) {
    for (let i = 0; i < 2; i++) {
      const reply = await app.get(path)
      t.equal(reply.headers['cache-status'], 'layby; fwd=bypass', path)
      t.equal(reply.headers['etag'], '"a"', 'the tag is the upstream’s')
      t.equal(reply.headers['age'], undefined)
    }
  }
  t.equal(upstream.requests.length, 2 * paths.length)
})

t.test('two tenants whose ids are one JavaScript number pass as two', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  for (const tenant of ['9007199254740992', '9007199254740993']) {
    await app.get('/things', { headers: { 'x-tenant-id': tenant } })
    t.equal(upstream.requests.at(-1)?.headers['x-tenant-id'], tenant)
  }
})

t.test('requests of one connection that differ in one header go on as they are', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const head = (...lines: string[]): string =>
    ['GET /things HTTP/1.1', 'Host: a', `Authorization: ${HEADERS.authorization}`, ...lines]
      .concat('X-Tenant-Id: 7', '', '')
      .join('\r\n')
  const ids = [1, 2, 3].map((n) => `0198c0de-0000-7000-8000-00000000000${n}`)
  const [first, second, third] = ids
  await exchange(
    app.url,
    head(`X-Request-Id: ${first}`, 'Prefer: a') +
      head(`X-Request-Id: ${second}`, 'Prefer: a') +
      head(`X-Request-Id: ${third}`, 'Prefer: b'),
    3,
  )
  const told = upstream.requests.map(({ headers }) => [headers['x-request-id'], headers['prefer']])
  t.strictSame(told, [
    [first, 'a'],
    [second, 'a'],
    [third, 'b'],
  ])
  const spans = upstream.requests.map(({ headers }) => headers['traceparent'])
  t.equal(new Set(spans).size, 3, 'each call has a span of its own')
})
