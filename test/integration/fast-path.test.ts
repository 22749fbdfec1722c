/** Connections of the wire front end: order, mixed use, slow and silent clients, hand-over, drain. */
import t, { type Test } from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { openConnection, parseReplies, roundTrips } from '../helpers/raw-socket.ts'
import { type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

async function start(
  t: Test,
): Promise<{ app: TestApp; upstream: ScriptedUpstream; handovers: () => number }> {
  const upstream = await startUpstream(t, (received, res) => {
    const id = /[0-9]+/.exec(received.url)?.[0] ?? '0'
    if (/\/long/.test(received.url)) res.end('x'.repeat(3_000_000))
    else sendJson(res, received, `{"id": ${id}, "parent_id": null, "pad": "${'x'.repeat(1_500)}"}`)
  })
  let count = 0
  const handedOver = (): void => {
    count++
  }
  const app = await buildTestApp(
    t,
    upstream.url,
    { server: { fastPath: true } },
    { reporter: { handedOver } },
  )
  return { app, upstream, handovers: () => count }
}

function request(path: string, method = 'GET', ...lines: string[]): string {
  const base = ['Host: a', 'Authorization: Bearer aaaa.bbbb', 'X-Tenant-Id: 7', ...lines]
  return `${[`${method} ${path} HTTP/1.1`, ...base].join('\r\n')}\r\n\r\n`
}

const idsIn = (text: string): string[] =>
  parseReplies(text).map(({ body }) => /"id": ([0-9]+)/.exec(body)?.[1] ?? `${body.length} bytes`)

t.test(
  'requests in one packet are answered in order: misses, hits and what passes through',
  async (t) => {
    const { app, handovers } = await start(t)
    const paths = [
      '/customers/1',
      '/customers/2',
      '/customers/1',
      '/users/3',
      '/customers/2',
      '/customers/4',
    ]
    const connection = openConnection(t, app.url)
    connection.write(paths.map((path) => request(path)).join(''))
    const text = await connection.until((received) => parseReplies(received).length === 6)
    t.same(idsIn(text), ['1', '2', '1', '3', '2', '4'])
    t.equal(handovers(), 0)
  },
)

t.test(
  'misses, other routes and writes without content leave a connection on the fast path',
  async (t) => {
    const { app, handovers } = await start(t)
    const connection = openConnection(t, app.url)
    const steps = [
      request('/customers/1'),
      request('/users/1'),
      request('/customers/1/addresses/2', 'DELETE'),
      request('/customers/1', 'OPTIONS'),
      request('/customers/1?page=2'),
      request('/customers/1'),
      request('/customers/1'),
    ]
    for (const [n, step] of steps.entries()) {
      connection.write(step)
      await connection.until((received) => parseReplies(received).length === n + 1)
    }
    t.equal(handovers(), 0)
    t.equal(app.reports.at(-1)?.outcome.kind, 'hit')
  },
)

t.test('what is not recognised is handed over whole, with what is behind it', async (t) => {
  const { app, upstream, handovers } = await start(t)
  const connection = openConnection(t, app.url)
  const patch = request(
    '/customers/9',
    'PATCH',
    'Content-Type: application/json',
    'Content-Length: 2',
  )
  connection.write(`${request('/customers/1')}${patch}{}${request('/customers/1')}`)
  const text = await connection.until((received) => parseReplies(received).length === 3)
  t.same(idsIn(text), ['1', '9', '1'])
  t.equal(handovers(), 1)
  t.equal(upstream.requests.find(({ method }) => method === 'PATCH')?.body, '{}')
  connection.write(request('/customers/1'))
  await connection.until((received) => parseReplies(received).length === 4)
  t.equal(handovers(), 1)
})

t.test('a head that comes byte by byte is answered', async (t) => {
  const { app, handovers } = await start(t)
  const connection = openConnection(t, app.url)
  for (const byte of request('/customers/1')) {
    connection.write(byte)
    await new Promise(setImmediate)
  }
  await connection.until((received) => parseReplies(received).length === 1)
  t.equal(handovers(), 0)
})

t.test('a head that dawdles is left to the deadlines of the HTTP server', async (t) => {
  const { app, handovers } = await start(t)
  const connection = openConnection(t, app.url)
  const text = request('/customers/1')
  connection.write(text.slice(0, 20))
  connection.write(text.slice(20, 30))
  await new Promise((resolve) => setTimeout(resolve, 50))
  app.clock.advance(1_001)
  connection.write(text.slice(30, 40))
  while (handovers() === 0) await new Promise(setImmediate)
  connection.write(text.slice(40))
  t.same(idsIn(await connection.until((received) => parseReplies(received).length === 1)), ['1'])
})

t.test('a silent beginning of a head is handed over by the timer', async (t) => {
  const { app, handovers } = await start(t)
  const connection = openConnection(t, app.url)
  connection.write('GET /customers')
  while (handovers() === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  connection.write(request('/customers/1').slice('GET /customers'.length))
  t.same(idsIn(await connection.until((received) => parseReplies(received).length === 1)), ['1'])
})

t.test('a client that does not read is not answered further, and nothing is lost', async (t) => {
  const { app } = await start(t)
  const first = openConnection(t, app.url)
  first.write(request('/customers/1'))
  await first.until((received) => parseReplies(received).length === 1)
  const connection = openConnection(t, app.url)
  connection.socket.pause()
  const TOTAL = 20_000
  const all = request('/customers/1').repeat(TOTAL)
  const answered = (): number => app.reports.filter(({ method }) => method === 'GET').length
  connection.write(all)
  let before = -1
  while (answered() !== before) {
    before = answered()
    await roundTrips(app.url, 50)
  }
  t.ok(before < TOTAL / 2, `${before} of ${TOTAL} were answered into the void`)
  connection.socket.resume()
  while (answered() < TOTAL + 1) await roundTrips(app.url, 1)
  t.equal(answered(), TOTAL + 1)
})

t.test('a long body through a lent connection arrives whole at a slow reader', async (t) => {
  const { app, handovers } = await start(t)
  const connection = openConnection(t, app.url)
  connection.write(request('/users/long'))
  connection.socket.pause()
  await roundTrips(app.url, 50)
  const others = handovers()
  connection.socket.resume()
  const text = await connection.until((received) => parseReplies(received).length === 1)
  t.equal(parseReplies(text)[0]?.body.length, 3_000_000)
  connection.write(request('/customers/1'))
  await connection.until((received) => parseReplies(received).length === 2)
  t.equal(handovers(), others)
})

t.test('a client that ends its side is answered what it has asked', async (t) => {
  const { app, upstream } = await start(t)
  upstream.hold()
  const connection = openConnection(t, app.url)
  connection.socket.end(Buffer.from(request('/customers/1')))
  await upstream.received(1)
  upstream.release()
  t.same(idsIn(await connection.ended), ['1'])
})

t.test('a client that goes away in the middle of a miss harms nobody', async (t) => {
  const { app, upstream } = await start(t)
  upstream.hold()
  const gone = openConnection(t, app.url)
  gone.write(request('/customers/1'))
  await upstream.received(1)
  const follower = openConnection(t, app.url)
  follower.write(request('/customers/1'))
  await app.lookedUp(2)
  gone.socket.destroy()
  upstream.release()
  t.same(idsIn(await follower.until((received) => parseReplies(received).length === 1)), ['1'])
  t.equal(upstream.requests.length, 1)
})
