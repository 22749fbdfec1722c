/** A write is held until its content is whole: what breaks off by then was never announced, and never sent. */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import {
  openConnection,
  parseReplies,
  type RawConnection,
  roundTrips,
  startRawUpstream,
} from '../helpers/raw-socket.ts'
import { startUpstream } from '../helpers/upstream.ts'

const STRANGER = 'Bearer a-stranger.aaaa'
const LENGTH = 'Content-Length: 13'
const CHUNKED = 'Transfer-Encoding: chunked'
const LAST = 'z'.charCodeAt(0)
const CONTENT = '{"name": "x"}'

/** Head of a write by a credential that the API has accepted, after `read`. */
function head(line: string, ...more: string[]): string {
  const own = Object.entries({ ...HEADERS, host: 'a', 'content-type': 'application/json' })
    .filter(([name]) => !more.some((each) => each.toLowerCase().startsWith(`${name}:`)))
    .map(([name, value]) => `${name}: ${value}`)
  return [`${line} HTTP/1.1`, ...own, ...more, '', ''].join('\r\n')
}

function begin(t: Test, app: TestApp, bytes: string): RawConnection {
  const client = openConnection(t, app.url)
  client.write(bytes)
  return client
}

async function isHit(app: TestApp, id: number): Promise<boolean> {
  return /; hit/.test(String((await app.get(`/customers/${id}`)).headers['cache-status']))
}

async function startWarm(t: Test, server: Record<string, unknown> = {}) {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server })
  await app.get('/customers/1')
  t.ok(await isHit(app, 1))
  upstream.forget()
  return { upstream, app }
}

for (const [framing, parts, sent] of [
  [LENGTH, ['{"name"', ': ', '"x"}'], 'content-length: 13'],
  [CHUNKED, ['7\r\n{"name"\r\n', '6\r\n: "x"}\r\n', '0\r\n\r\n'], 'content-length: 13'],
  [CHUNKED, ['d\r\n{"name": "x"}\r\n', '0\r\nX-Trailer: y\r\n', '\r\n'], 'content-length: 13'],
  [CHUNKED, ['0\r\n', '\r\n'], 'content-length: 0'],
] as const) {
  t.test(
    `content with ${framing} is sent when the last of it is here: ${parts.length} parts`,
    async (t) => {
      const { app, upstream } = await startWarm(t)
      const client = begin(t, app, head('PATCH /customers/1', framing))
      for (const part of parts.slice(0, -1)) {
        client.write(part)
        await roundTrips(app.url, 3)
        t.equal(upstream.requests.length, 0, 'nothing is sent')
        t.ok(await isHit(app, 1), 'nothing is announced')
      }
      client.write(parts.at(-1) ?? '')
      const [reply] = parseReplies(await client.until((text) => parseReplies(text).length > 0))
      t.equal(reply?.status, 200)
      t.equal(upstream.requests.length, 1)
      const [received] = upstream.requests
      t.equal(`content-length: ${received?.headers['content-length']}`, sent)
      t.equal(received?.headers['transfer-encoding'], undefined)
      t.equal(received?.body, sent.endsWith(' 0') ? '' : CONTENT)
      t.notOk(await isHit(app, 1), 'the write has changed it')
    },
  )
}

t.test('Expect: 100-continue is answered, and the content then held', async (t) => {
  const { app, upstream } = await startWarm(t)
  const client = begin(t, app, head('PATCH /customers/1', LENGTH, 'Expect: 100-continue'))
  await client.until((text) => text.includes('HTTP/1.1 100 Continue\r\n\r\n'))
  client.write(CONTENT.slice(0, 4))
  await roundTrips(app.url, 3)
  t.equal(upstream.requests.length, 0)
  client.write(CONTENT.slice(4))
  const [reply] = parseReplies(await client.until((text) => parseReplies(text).length > 0))
  t.equal(reply?.status, 200)
  t.equal(upstream.requests[0]?.body, CONTENT)
})

/** What ends a write within its content. */
const BREAKS: Record<string, { framing: string; break: (client: RawConnection) => void }> = {
  reset: { framing: LENGTH, break: ({ socket }) => socket.resetAndDestroy() },
  end: { framing: LENGTH, break: ({ socket }) => socket.end() },
  'reset within a chunk': { framing: CHUNKED, break: ({ socket }) => socket.resetAndDestroy() },
  'a chunk that is none': { framing: CHUNKED, break: ({ write }) => write('x\r\n') },
  'too much': { framing: CHUNKED, break: ({ write }) => write(`800\r\n${'y'.repeat(2048)}\r\n`) },
}

for (const [name, { framing, break: breakOff }] of Object.entries(BREAKS)) {
  t.test(`a write broken off within its content by ${name} changes nothing`, async (t) => {
    // Memory for two: what is not given back keeps the last from being held.
    const server = { maxRequestBytes: 2_000, maxHeldBytes: 4_096 }
    const { app, upstream } = await startWarm(t, server)
    for (let i = 0; i < 3; i++) {
      const part = framing === LENGTH ? '{"na' : '4\r\n{"na\r\n'
      // The last by one whom the API has not accepted.
      const whose = i < 2 ? [] : [`authorization: ${STRANGER}`]
      const client = begin(t, app, head('PATCH /customers/1', framing, ...whose) + part)
      await roundTrips(app.url, 3)
      breakOff(client)
      await client.ended
      await roundTrips(app.url, 3)
      t.ok(await isHit(app, 1))
    }
    t.equal(upstream.requests.length, 0)
    const reported = app.reports.filter(({ method }) => method === 'PATCH')
    t.equal(reported.length, 3)
    const isAnswered = name === 'too much'
    t.ok(reported.every(({ status }) => status === (isAnswered ? 413 : 499)))
    t.notMatch(app.logged(), /internal error/)
  })
}

t.test('beyond the memory for it a write is announced first, and sent as it comes', async (t) => {
  const upstream = await startRawUpstream(t, async ({ until, write }) => {
    for (let n = 1; ; n++) {
      await until((text) => (text.match(/\r\n\r\n/g)?.length ?? 0) >= n)
      const json = '{"id": 1, "parent_id": null}'
      write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-API-VERSION: 2023/04/19\r\n`)
      write(`Content-Length: ${json.length}\r\n\r\n${json}`)
    }
  })
  const app = await buildTestApp(t, upstream.url, { server: { maxHeldBytes: 2_048 } })
  await app.get('/customers/1')
  t.ok(await isHit(app, 1))
  const sees = (text: string): boolean => upstream.connections.some((c) => c.text.includes(text))
  const holder = begin(t, app, `${head('PATCH /customers/2', LENGTH)}{"na`)
  await roundTrips(app.url, 3)
  t.notOk(sees('/customers/2 '))
  begin(t, app, `${head('PATCH /customers/1', LENGTH)}{"na`)
  while (!sees('PATCH /customers/1 ')) await roundTrips(app.url, 1)
  t.notOk(await isHit(app, 1), 'it was announced before')
  holder.write('me": "x"}')
  t.equal(parseReplies(await holder.until((text) => parseReplies(text).length > 0))[0]?.status, 200)
})

t.test('who has no accepted credential takes half of the memory at most', async (t) => {
  const { app, upstream } = await startWarm(t, { maxHeldBytes: 4_096 })
  const stranger = `authorization: ${STRANGER}`
  const first = begin(t, app, `${head('PATCH /customers/8', LENGTH, stranger)}{"na`)
  await roundTrips(app.url, 3)
  // No room is left for this one: it is sent as it comes.
  const second = begin(t, app, `${head('PATCH /customers/9', LENGTH, stranger)}{"na`)
  const known = begin(t, app, `${head('PATCH /customers/1', LENGTH)}{"na`)
  await roundTrips(app.url, 5)
  t.ok(await isHit(app, 1), 'held, and not announced')
  for (const client of [first, second, known]) client.write('me": "x"}')
  for (const client of [first, second, known]) {
    const text = await client.until((received) => parseReplies(received).length > 0)
    t.equal(parseReplies(text)[0]?.status, 200)
  }
  t.equal(upstream.requests.length, 3)
})

for (const framing of ['a length', 'chunks']) {
  t.test(
    `an API that takes much content with ${framing} slowly has its time to answer after it`,
    async (t) => {
      const size = 24 * 1_048_576
      const upstream = await startRawUpstream(t, async ({ socket, until, write }) => {
        await until((text) => text.includes('\r\n\r\n'))
        socket.on('data', (piece) => {
          if (piece.at(-1) === LAST) write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        })
        // Slowly, and never standing still: that has a deadline of its own.
        for (let i = 0; i < 12; i++) {
          socket.pause()
          await delay(100)
          socket.resume()
          await delay(1)
        }
      })
      const limit = 2 * size
      const app = await buildTestApp(t, upstream.url, {
        server: { maxRequestBytes: limit, maxHeldBytes: 4 * limit },
        upstream: { headersTimeoutMs: 500 },
      })
      const content = `${'x'.repeat(size - 1)}z`
      const isChunked = framing === 'chunks'
      const length = isChunked ? CHUNKED : `Content-Length: ${size}`
      const client = begin(t, app, head('PATCH /customers/1', length))
      client.write(isChunked ? `${size.toString(16)}\r\n${content}\r\n0\r\n\r\n` : content)
      const [reply] = parseReplies(await client.until((text) => parseReplies(text).length > 0))
      t.equal(reply?.status, 200)
      t.match(upstream.connections[0]?.text.slice(0, 2_000), `\r\ncontent-length: ${size}\r\n`)
    },
  )
}
