/** Bodies that pass through are streamed both ways, and whoever goes away takes nobody along. */
import t from 'tap'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import {
  openConnection,
  parseReplies,
  roundTrips,
  startRawUpstream,
  takeChunks,
} from '../helpers/raw-socket.ts'
import { startUpstream } from '../helpers/upstream.ts'

const BASE = ['Host: layby.test', `Authorization: ${HEADERS.authorization}`, 'X-Tenant-Id: 7']
const MEBIBYTE = 1_048_576

function head(first: string, ...lines: string[]): string {
  return `${[first, ...BASE, ...lines].join('\r\n')}\r\n\r\n`
}

function hasHead(text: string): boolean {
  return text.includes('\r\n\r\n')
}

/** Bytes of which no two pieces are alike, so that none can be lost or doubled unseen. */
function pattern(length: number): string {
  let text = ''
  for (let i = 0; text.length < length; i++) text += `${i.toString(36)};`
  return text.slice(0, length)
}

const DOWN = pattern(8 * MEBIBYTE)
const UP = pattern(4 * MEBIBYTE)

for (const [framing, path] of [
  ['a length', '/things'],
  ['chunks', '/things'],
  ['a length', '/customers/1?a'],
  ['a length', '/customers/1'],
] as const) {
  t.test(
    `${path} with ${framing}: the first bytes of a large answer arrive before the last are sent`,
    async (t) => {
      const upstream = await startRawUpstream(t, async (connection) => {
        await connection.until(hasHead)
        const half = DOWN.length / 2
        const isChunked = framing === 'chunks'
        const chunk = (text: string): string =>
          isChunked ? `${text.length.toString(16)}\r\n${text}\r\n` : text
        const type = 'Content-Type: application/json\r\n'
        const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${DOWN.length}`
        connection.write(`HTTP/1.1 200 OK\r\n${type}${length}\r\n\r\n${chunk(DOWN.slice(0, half))}`)
        await released
        connection.write(chunk(DOWN.slice(half)))
        if (isChunked) connection.write('0\r\n\r\n')
      })
      let release: () => void = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      const app = await buildTestApp(t, upstream.url)
      const client = openConnection(t, app.url)
      client.write(head(`GET ${path} HTTP/1.1`, 'Connection: close'))
      await client.until((text) => text.length > DOWN.length / 4)
      release()
      const [reply] = parseReplies(await client.ended)
      t.equal(reply?.status, 200)
      t.ok(reply?.body === DOWN, 'all bytes, once and in order')
      t.equal(app.reports.length, 1)
    },
  )
}

for (const framing of ['a length', 'chunks']) {
  for (const path of ['/things', '/customers/1']) {
    t.test(
      `${path} with ${framing}: the first bytes of a large request arrive before the last are sent`,
      async (t) => {
        const upstream = await startRawUpstream(t, async (connection) => {
          await connection.until((text) => bodyOf(text) === UP)
          connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        })
        // Below a cached resource content is held, up to here.
        const server = { maxRequestBytes: UP.length, maxHeldBytes: 200_000 }
        const app = await buildTestApp(t, upstream.url, { server })
        const client = openConnection(t, app.url)
        const isChunked = framing === 'chunks'
        const half = UP.length / 2
        const chunk = (text: string): string =>
          isChunked ? `${text.length.toString(16)}\r\n${text}\r\n` : text
        const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${UP.length}`
        client.write(
          head(
            `PUT ${path} HTTP/1.1`,
            'Content-Type: application/json',
            length,
            'Connection: close',
          ),
        )
        client.write(chunk(UP.slice(0, half)))
        await until(() => upstream.connections.length > 0, app.url)
        await upstream.connections[0]?.until((text) => text.length > UP.length / 4)
        client.write(chunk(UP.slice(half)))
        if (isChunked) client.write('0\r\n\r\n')
        const [reply] = parseReplies(await client.ended)
        t.equal(reply?.status, 200)
        t.equal(reply?.body, 'ok')
        t.equal(upstream.connections.length, 1)
      },
    )
  }
}

/** The body of a request, of either framing; null as long as it is not complete. */
function bodyOf(text: string): string | null {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1 || text.length < UP.length) return null
  const isChunked = /\r\ntransfer-encoding: chunked\r\n/.test(text.slice(0, end + 2))
  return isChunked ? (takeChunks(text.slice(end + 4))?.text ?? null) : text.slice(end + 4)
}

async function until(holds: () => boolean, url: string): Promise<void> {
  while (!holds()) await roundTrips(url, 1)
}

t.test('a client that reads nothing keeps the upstream from sending', async (t) => {
  let sent = 0
  const piece = 'x'.repeat(MEBIBYTE)
  const total = 256
  const upstream = await startRawUpstream(t, async ({ socket, until, write }) => {
    await until(hasHead)
    write(`HTTP/1.1 200 OK\r\nContent-Length: ${total * MEBIBYTE}\r\n\r\n`)
    const more = (): void => {
      while (sent < total) {
        sent++
        if (!socket.write(piece)) return
      }
    }
    socket.on('drain', more)
    more()
  })
  const app = await buildTestApp(t, upstream.url)
  const client = openConnection(t, app.url)
  client.socket.pause()
  client.write(head('GET /things HTTP/1.1'))
  await until(() => sent > 0, app.url)
  // As long as anything moves, go on; then a good while longer.
  let before = -1
  while (before !== sent) {
    before = sent
    await roundTrips(app.url, 50)
  }
  t.ok(sent < total / 4, `${sent} MiB of ${total} left the upstream`)
  client.socket.destroy()
  const reply = await app.get('/customers/0')
  t.equal(reply.status, 400, 'the process is alive')
})

t.test(
  'a client that has gone by the time a long answer begins leaves nobody reading it',
  async (t) => {
    const upstream = await startRawUpstream(t, async ({ until, write }) => {
      await until(hasHead)
      await gone
      write(`HTTP/1.1 200 OK\r\nContent-Length: ${256 * MEBIBYTE}\r\n\r\n${pattern(MEBIBYTE)}`)
    })
    const app = await buildTestApp(t, upstream.url)
    let leave: () => void = () => {}
    const gone = new Promise<void>((resolve) => {
      leave = resolve
    })
    const client = openConnection(t, app.url)
    client.write(head('GET /things HTTP/1.1'))
    await until(() => upstream.connections.length > 0, app.url)
    client.socket.destroy()
    // An answer that comes after the end has been noticed: an exchange or two of others are enough.
    await roundTrips(app.url, 20)
    leave()
    const asked = upstream.connections[0]?.socket
    await until(() => asked?.destroyed === true, app.url)
    t.pass('the upstream is not kept waiting for a reader')
  },
)

for (const [method, path] of [
  ['GET', '/things'],
  ['GET', '/customers/1'],
  ['PATCH', '/customers/1'],
] as const) {
  t.test(
    `a client that goes away before the answer to ${method} ${path} takes nobody along`,
    async (t) => {
      const upstream = await startUpstream(t)
      const app = await buildTestApp(t, upstream.url)
      upstream.hold()
      const client = openConnection(t, app.url)
      client.write(head(`${method} ${path} HTTP/1.1`))
      await upstream.received(1)
      client.socket.resetAndDestroy()
      upstream.release()
      t.equal((await app.get('/things')).status, 200)
      t.equal((await app.get('/customers/2')).status, 200)
      t.notMatch(app.logged(), /internal error/)
    },
  )
}

for (const goes of ['resets', 'ends'] as const) {
  for (const [method, path] of [
    ['GET', '/things'],
    ['GET', '/customers/1'],
    ['GET', '/customers/1?a'],
    ['PATCH', '/customers/1'],
    ['HEAD', '/things'],
    ['HEAD', '/customers/1'],
  ] as const) {
    // Nothing comes after a head that it could be in the middle of.
    if (method === 'HEAD' && goes === 'ends') continue
    t.test(
      `a client that ${goes} its connection within the answer to ${method} ${path} ends it upstream`,
      async (t) => {
        const upstream = await startRawUpstream(t, async ({ until, write }) => {
          await until(hasHead)
          write(`HTTP/1.1 200 OK\r\nContent-Length: ${DOWN.length}\r\n\r\n`)
          if (method !== 'HEAD' || path === '/customers/1') write(DOWN.slice(0, DOWN.length / 2))
        })
        // No deadline is what ends it.
        const app = await buildTestApp(t, upstream.url, { upstream: { bodyTimeoutMs: 60_000 } })
        const client = openConnection(t, app.url)
        client.write(head(`${method} ${path} HTTP/1.1`))
        await client.until(hasHead)
        if (goes === 'resets') {
          client.socket.resetAndDestroy()
        } else {
          // Nothing is under way that would be answered with a reset.
          await client.until((text) => text.length > DOWN.length / 2)
          client.socket.end()
        }
        if (method !== 'HEAD') await upstream.connections[0]?.ended
        t.equal((await app.get('/customers/0')).status, 400, 'the process is alive')
        // The pool may connect anew; it has nothing to say there.
        const used = upstream.connections.filter(({ text }) => text !== '')
        t.equal(used.length, 1)
        t.notMatch(app.logged(), /internal error/)
      },
    )
  }
}

t.test(
  'a client that goes away within its content leaves the upstream an incomplete request',
  async (t) => {
    for (const [name, length] of Object.entries({
      'by length': 'Content-Length: 10',
      'by chunks': 'Transfer-Encoding: chunked',
    })) {
      for (const path of ['/customers/1', '/things']) {
        await t.test(`${name} to ${path}`, async (t) => {
          const upstream = await startRawUpstream(t, async ({ until, write, text }) => {
            await until(hasHead)
            if (text.startsWith('GET')) write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
          })
          const app = await buildTestApp(t, upstream.url, { server: { maxHeldBytes: 0 } })
          const client = openConnection(t, app.url)
          const content = name === 'by length' ? '{"a"' : '4\r\n{"a"\r\n'
          client.write(
            head(`PATCH ${path} HTTP/1.1`, 'Content-Type: application/json', length) + content,
          )
          await until(() => upstream.connections.length > 0, app.url)
          await upstream.connections[0]?.until((text) => text.includes('{"a"'))
          client.socket.resetAndDestroy()
          const text = (await upstream.connections[0]?.ended) ?? ''
          t.match(text, /\{"a"(\r\n)?$/, 'cut off, never ended cleanly')
          t.equal((await app.get('/customers/0')).status, 400, 'the process is alive')
          t.notMatch(app.logged(), /internal error/)
        })
      }
    }
  },
)

t.test(
  'an answer that comes before the end of the content is passed, and ends the connection',
  async (t) => {
    const upstream = await startRawUpstream(t, async ({ until, write }) => {
      await until(hasHead)
      write('HTTP/1.1 401 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
    })
    const app = await buildTestApp(t, upstream.url)
    const client = openConnection(t, app.url)
    client.write(
      head('PUT /things HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 100000'),
    )
    client.write('x'.repeat(1_000))
    const text = await client.ended
    const [reply] = parseReplies(text)
    t.equal(reply?.status, 401)
    t.equal(reply?.body, 'no')
    t.equal(reply?.headers.get('connection'), 'close')
  },
)

t.test('a client that sends far too much gets to read the 413', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { maxRequestBytes: 100_000 } })
  const ways = ['Content-Length: 20000000', 'Transfer-Encoding: chunked'].flatMap((length) =>
    ['/things', '/customers/1'].map((path) => [path, length] as const),
  )
  for (const [path, length] of ways) {
    const client = openConnection(t, app.url)
    client.write(head(`PUT ${path} HTTP/1.1`, 'Content-Type: application/json', length))
    const piece = 'x'.repeat(100_000)
    for (let i = 0; i < 200; i++) {
      client.write(length.startsWith('C') ? piece : `186a0\r\n${piece}\r\n`)
    }
    const [reply] = parseReplies(await client.ended)
    t.equal(reply?.status, 413, `${path} ${length}`)
    t.equal(reply?.headers.get('connection'), 'close')
  }
  t.equal(upstream.requests.length, 0)
})
