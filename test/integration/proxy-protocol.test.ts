/** The PROXY protocol on the public listener, with TLS and without: it names the client, and what is none gets nothing. */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { buildTestApp, FAST_PATH, type TestApp } from '../helpers/app.ts'
import { openConnection, parseReplies } from '../helpers/raw-socket.ts'
import { startUpstream } from '../helpers/upstream.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))
const TLS = { cert: file('server.pem'), key: file('server.key') }

const CLIENT = '192.0.2.7'
const HEADER = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207cb00710501bb1f43', 'hex')
const OWN = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')

function request(line: string, ...lines: readonly string[]): string {
  const base = ['Host: a', 'Authorization: Bearer token-one.aaaa', 'X-Tenant-Id: 7']
  return `${[`${line} HTTP/1.1`, ...base, ...lines].join('\r\n')}\r\n\r\n`
}
const CONTENT = request('POST /x', 'Content-Type: application/json', 'Content-Length: 2')
/** A miss, a hit, what passes through without and with content, and a refusal. */
const REQUESTS = [
  request('GET /customers/1'),
  request('GET /customers/1'),
  request('GET /things'),
  `${CONTENT}{}`,
  request('GET /customers/1', 'X-Api-Version: none', 'Connection: close'),
].join('')
const STATUSES = [200, 200, 200, 200, 400]

async function start(t: Test, tls: boolean, log = {}, proxyProtocol = true): Promise<TestApp> {
  const upstream = await startUpstream(t)
  const server = { proxyProtocol, ...(tls ? { tls: TLS } : {}) }
  return buildTestApp(t, upstream.url, { server, log })
}

/** All that comes back on a connection that begins with `pieces`, one after the other. */
async function ask(
  t: Test,
  app: TestApp,
  pieces: readonly Buffer[],
  text: string,
): Promise<string> {
  const { hostname, port, protocol } = new URL(app.url)
  const raw = connect({ host: hostname, port: Number(port), noDelay: true })
  t.teardown(() => raw.destroy())
  for (const piece of pieces) {
    raw.write(piece)
    if (pieces.length > 1) await new Promise((done) => setTimeout(done, 5))
  }
  const ca = readFileSync(file('ca.pem'))
  const socket: Socket =
    protocol === 'https:' ? connectTls({ socket: raw, ca, servername: 'localhost' }) : raw
  let received = ''
  socket.on('data', (data: Buffer) => {
    received += data.toString('latin1')
  })
  socket.on('error', () => {})
  const ended = new Promise((done) => socket.once('close', done))
  socket.write(text)
  await ended
  return received
}

const bytesOf = (buffer: Buffer): Buffer[] => [...buffer].map((byte) => Buffer.from([byte]))

for (const tls of [false, true]) {
  const kind = tls ? ' over TLS' : ''
  t.test(`the client is the one that the header names${kind}`, async (t) => {
    const app = await start(t, tls, { clientAddress: true })
    const all = Buffer.concat([HEADER, Buffer.from(REQUESTS)])
    const ways: readonly (readonly [pieces: readonly Buffer[], text: string])[] = [
      [[HEADER], REQUESTS],
      [bytesOf(HEADER), REQUESTS],
      ...(tls ? [] : ([[[all], '']] as const)),
    ]
    for (const [pieces, text] of ways) {
      app.forget()
      const replies = parseReplies(await ask(t, app, pieces, text))
      t.strictSame(
        replies.map(({ status }) => status),
        STATUSES,
      )
      t.equal(app.reports.length, STATUSES.length)
      for (const { client } of app.reports) t.equal(client, CLIENT)
      t.match(app.logged(), `"client.address":"${CLIENT}"`)
    }
  })

  t.test(`what can't be read has a client too${kind}`, async (t) => {
    const app = await start(t, tls, { clientAddress: true })
    t.match(await ask(t, app, [HEADER], 'no request\r\n\r\n'), /^HTTP\/1\.1 400 /)
    t.match(app.reports, [{ client: CLIENT }])
  })

  t.test(`the API is told of the client that the header names${kind}`, async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url, {
      server: { proxyProtocol: true, ...(tls ? { tls: TLS } : {}) },
      upstream: { forwarded: 'x-forwarded' },
    })
    await ask(t, app, [HEADER], REQUESTS)
    const told = upstream.requests.map(({ url, headers }) => [url, headers['x-forwarded-for']])
    // Pipelined, they are sent in any order.
    t.strictSame(told.sort(), [
      ['/customers/1', undefined],
      ['/things', CLIENT],
      ['/x', CLIENT],
    ])
  })

  t.test(`a connection of the balancer's own has its address${kind}`, async (t) => {
    const app = await start(t, tls, { clientAddress: true })
    await ask(t, app, [OWN], REQUESTS)
    for (const { client } of app.reports) t.equal(client, '127.0.0.1')
  })

  t.test(`what has no header is closed unanswered${kind}`, async (t) => {
    const app = await start(t, tls)
    for (const bytes of [
      Buffer.from(REQUESTS),
      Buffer.from(`PROXY TCP4 ${CLIENT} ${CLIENT} 1 2\r\n${REQUESTS}`),
      Buffer.from('160301', 'hex'),
      Buffer.concat([HEADER.subarray(0, 14), Buffer.from('ffff', 'hex')]),
      Buffer.concat([HEADER.subarray(0, 12), Buffer.from('41', 'hex'), HEADER.subarray(13)]),
    ]) {
      const connection = openConnection(t, app.url.replace('https', 'http'))
      connection.socket.write(bytes)
      t.equal(await connection.ended, '')
    }
    t.strictSame(app.reports, [])
  })
}

t.test('a header that does not come, or not to its end, is closed in time', async (t) => {
  const app = await start(t, false)
  const silent = openConnection(t, app.url)
  const dripping = openConnection(t, app.url)
  const ending = openConnection(t, app.url)
  ending.socket.end(HEADER.subarray(0, 20))
  let at = 0
  const timer = setInterval(() => dripping.socket.write(HEADER.subarray(at, ++at)), 700)
  t.teardown(() => clearInterval(timer))
  for (const { ended } of [ending, silent, dripping]) t.equal(await ended, '')
})

t.test('no line names a client where that is not configured', async (t) => {
  const app = await start(t, false)
  await ask(t, app, [HEADER], REQUESTS)
  t.equal(app.reports.length, STATUSES.length)
  t.notMatch(app.logged(), /192\.0\.2\.7|127\.0\.0\.1|client\.address/)
})

t.test('without the key a header is no request', async (t) => {
  const app = await start(t, false, { clientAddress: true }, false)
  const [reply] = parseReplies(await ask(t, app, [HEADER], REQUESTS))
  t.equal(reply?.status, 400)
  for (const { client } of app.reports) t.equal(client, '127.0.0.1')
  t.ok(FAST_PATH || app.reports.length > 0)
})
