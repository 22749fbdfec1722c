/**
 * Connections that are reset at every stage of their life, on both listeners, with and without TLS and fast path: the
 * process lives. Real processes: an error that nobody hears ends one.
 */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { HEADERS } from '../helpers/app.ts'
import { type LaybyProcess, startLayby } from '../helpers/layby-process.ts'
import { startUpstream } from '../helpers/upstream.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))
const CA = readFileSync(file('ca.pem'))
const TLS = {
  LAYBY_SERVER_TLS_CERT: file('server.pem'),
  LAYBY_SERVER_TLS_KEY: file('server.key'),
}
const ADMIN_TOKEN = 'operator-token-0123456789'

const BASE = `Host: localhost\r\n${Object.entries(HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')}`
const JSON_OF = (length: number): string =>
  `Content-Type: application/json\r\nContent-Length: ${length}\r\n`
const GET = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\n${BASE}${more}\r\n`
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
const LONG = JSON.stringify('x'.repeat(4_000_000))
const CONNECT = 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'

/** What is sent before the reset, and so the state in which the connection is when it comes. */
const STAGES: Readonly<Record<string, string>> = {
  'nothing sent': '',
  'half a head': 'GET /customers/1 HTTP/1.1\r\nHos',
  'a read': GET('/customers/1'),
  'a read of which a long body comes': GET('/long'),
  'a read that waits for the upstream': GET('/slow'),
  'many reads at once': GET('/customers/1').repeat(50) + GET('/long') + GET('/slow'),
  'half of the content': `PATCH /customers/1 HTTP/1.1\r\n${BASE}${JSON_OF(100)}\r\n{"a":`,
  'a write that waits for the upstream': `POST /slow HTTP/1.1\r\n${BASE}${JSON_OF(2)}\r\n{}`,
  'content that was asked to wait': `POST /a HTTP/1.1\r\n${BASE}Expect: 100-continue\r\n${JSON_OF(2)}\r\n`,
  'a refused expectation': `POST /a HTTP/1.1\r\n${BASE}Expect: miracles\r\n${JSON_OF(2)}\r\n`,
  'a problem': GET('/customers/x'),
  CONNECT: CONNECT,
  'CONNECT behind a read of which a long body comes': GET('/long') + CONNECT,
  'CONNECT behind a read that waits': GET('/slow') + CONNECT,
  'CONNECT and bytes behind it': `${CONNECT}x`.repeat(3),
  'an upgrade': GET('/customers/1', UPGRADE),
  'an upgrade behind a read that waits': GET('/slow') + GET('/a', UPGRADE) + GET('/a'),
  'an upgrade with content': `POST /a HTTP/1.1\r\n${BASE}${UPGRADE}${JSON_OF(2)}\r\n{}`,
  'bytes that are no HTTP': 'a\0b\r\n\r\n',
  'a head that is too large': GET('/', `x: ${'x'.repeat(20_000)}\r\n`),
  'no HTTP behind a read that waits': `${GET('/slow')}a\0b\r\n\r\n`,
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
}

const OPS_STAGES: Readonly<Record<string, string>> = {
  ...STAGES,
  metrics: GET('/metrics'),
  events: GET('/dashboard/events'),
  'events that are upgraded': GET('/dashboard/events', UPGRADE),
  'CONNECT behind events': GET('/dashboard/events') + CONNECT,
  'a call of the admin API': `POST /admin/purge HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n${JSON_OF(100)}\r\n{`,
}

/** Milliseconds from the last byte sent to the reset; null: as soon as anything comes back, or 50 ms. */
const MOMENTS = [0, 1, 4, null]

/** A connection whose TCP part can be reset. @returns null: it was not accepted */
async function open(url: string): Promise<{ tcp: Socket; top: Socket | TLSSocket }> {
  const { protocol, hostname, port } = new URL(url)
  const tcp = connect(Number(port), hostname)
  tcp.on('error', () => {})
  tcp.setNoDelay()
  if (protocol === 'http:') {
    await new Promise((done) => tcp.once('connect', done).once('close', done))
    return { tcp, top: tcp }
  }
  const top = connectTls({ socket: tcp, ca: CA, servername: 'localhost' })
  top.on('error', () => {})
  await new Promise((done) => top.once('secureConnect', done).once('close', done))
  return { tcp, top }
}

async function resetAt(url: string, bytes: string, moment: number | null): Promise<void> {
  const { tcp, top } = await open(url)
  const answered = new Promise((done) => top.once('data', done))
  if (bytes !== '') top.write(Buffer.from(bytes, 'latin1'))
  await (moment === null ? Promise.race([answered, delay(50)]) : delay(moment))

  await reset(tcp)
  top.destroy()
  tcp.destroy()
}

/** What the other side has reset can't be reset: that is an error of the socket, which stays open. */
function reset(tcp: Socket): Promise<unknown> {
  if (tcp.closed) return Promise.resolve()
  const over = new Promise((done) => tcp.once('close', done).once('error', done))
  tcp.resetAndDestroy()
  return over
}

async function resetEverywhere(url: string, stages: Readonly<Record<string, string>>) {
  for (const bytes of Object.values(stages)) {
    await Promise.all(MOMENTS.map((moment) => resetAt(url, bytes, moment)))
  }
}

/** Within the handshake of TLS: after nothing, half a record, a record that is none. */
async function resetHandshakes(url: string): Promise<void> {
  const plain = url.replace('https:', 'http:')
  for (const bytes of [
    '',
    '\x16\x03\x01\x02\x00\x01\x00',
    '\x16\x03\x01\x00\x05hello',
    'GET / HTTP/1.1\r\n\r\n',
  ])
    await Promise.all(MOMENTS.map((moment) => resetAt(plain, bytes, moment)))
}

async function checkLives(t: Test, layby: LaybyProcess, log: () => string): Promise<void> {
  const dispatcher = new Agent({ connect: { ca: CA, servername: 'localhost' } })
  t.teardown(() => dispatcher.destroy())
  const read = await request(`${layby.url}/customers/1`, { headers: HEADERS, dispatcher })
  t.equal(read.statusCode, 200)
  await read.body.dump()
  const live = await request(`${layby.opsUrl}/health/ready`)
  t.equal(live.statusCode, 200)
  await live.body.dump()
  t.equal(layby.child.exitCode, null)
  t.notMatch(log(), /"fault"/)
}

for (const tls of [false, true]) {
  for (const fastPath of [true, false]) {
    const title = `${tls ? 'TLS' : 'plain'}, fast path ${fastPath ? 'on' : 'off'}`
    t.test(`a reset at any stage costs its connection, never the process (${title})`, async (t) => {
      const upstream = await startUpstream(t, ({ url }, res) => {
        res.writeHead(200, { 'content-type': 'application/json' })
        if (url.startsWith('/slow')) return
        res.end(url.startsWith('/long') ? LONG : '{}')
      })
      const layby = await startLayby(t, upstream.url, {
        environment: {
          LAYBY_SERVER_FAST_PATH: String(fastPath),
          LAYBY_OPS_ADMIN_TOKEN: ADMIN_TOKEN,
          ...(tls ? TLS : {}),
        },
      })
      let log = ''
      layby.child.stdout?.on('data', (chunk) => {
        log += chunk
      })
      await resetEverywhere(layby.url, STAGES)
      if (tls) await resetHandshakes(layby.url)
      await resetEverywhere(layby.opsUrl, OPS_STAGES)
      await checkLives(t, layby, () => log)
    })
  }
}
