/** Faults of the upstream that need a world of their own to happen (reliability F21, F34). */
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { startBlackHole } from '../helpers/black-hole.ts'
import { startRawUpstream } from '../helpers/raw-socket.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const CONNECT_MS = 1_000
/** U8: an answer comes at most so much after its deadline. */
const GRACE_MS = 200

t.test(
  'F21: an upstream that swallows connections is 504 at the deadline for connecting',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const { url } = await startBlackHole(t)
    const app = await buildTestApp(t, url, { upstream: { connectTimeoutMs: CONNECT_MS } })
    const times: number[] = []
    for (const [method, path] of [
      ['GET', '/customers/1'],
      ['GET', '/things'],
      ['PATCH', '/customers/1'],
    ] as const) {
      const start = performance.now()
      const reply = await app.get(path, { method })
      times.push(performance.now() - start)
      t.equal(reply.status, 504, `${method} ${path}`)
      t.match(JSON.parse(reply.body), { code: 'upstream_timeout' })
    }
    const quickest = Math.min(...times)
    t.ok(quickest >= CONNECT_MS - 50, `${times} ms`)
    // The quickest, since the others may have waited for a processor.
    t.ok(quickest <= CONNECT_MS + GRACE_MS, `${times} ms`)
  },
)

t.test('F34: a redirect is passed on, and neither followed nor stored', async (t) => {
  const inside = await startUpstream(t)
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, '{"id": 1}', { Location: `${inside.url}/customers/1` }, 302),
  )
  const app = await buildTestApp(t, upstream.url)
  for (let times = 1; times <= 2; times++) {
    const reply = await app.get('/customers/1')
    t.equal(reply.status, 302)
    t.equal(reply.headers['location'], `${inside.url}/customers/1`)
    t.equal(reply.headers['cache-status'], 'layby; fwd=uri-miss; detail=reject.status')
    t.equal(upstream.requests.length, times)
  }
  t.equal(inside.requests.length, 0)
})

t.test('F34: of an interim answer nothing is stored, and the one after it is', async (t) => {
  const body = '{"id": 1, "parent_id": null}'
  const interim =
    'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nX-Early: yes\r\n\r\n'
  const final = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-API-VERSION: 2023/04/19\r\nContent-Length: ${body.length}\r\n\r\n`
  const upstream = await startRawUpstream(t, async ({ until, write }) => {
    await until((text) => text.includes('\r\n\r\n'))
    write(interim + final + body)
  })
  const app = await buildTestApp(t, upstream.url)
  const first = await app.get('/customers/1')
  const second = await app.get('/customers/1')
  t.match(first.headers['cache-status'], /stored/)
  t.match(second.headers['cache-status'], /; hit/)
  for (const reply of [first, second]) {
    t.equal(reply.status, 200)
    t.equal(reply.body, body)
    t.equal(reply.headers['x-early'], undefined)
    t.equal(reply.headers['link'], undefined)
  }
  t.equal(upstream.connections.length, 1)
})
