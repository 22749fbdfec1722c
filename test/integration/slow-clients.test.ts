/** Slow and greedy clients starve nobody (reliability S10). Real time: Node's deadlines are what is tested. */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const DRIPPING = Number(process.env['DRIPPING'] ?? 200)
const READERS = 50
/** More than a tenant has places for. */
const UNREAD = 50
const UNREAD_BODY = Buffer.alloc(16 * 2 ** 20, 'x')
const LONG = 'x'.repeat(900_000)
/** The deadline for a head is ten seconds, looked at every second, after half a second of patience. */
const HEAD_DEADLINE_MS = 10_000 + 2_000

t.setTimeout(600_000)
t.test(
  `${DRIPPING} clients that drip their heads are all gone in time, and the others served`,
  async (t) => {
    const upstream = await startUpstream(t, (received, res) => {
      if (received.url === '/unread') {
        res.writeHead(200, { 'content-length': UNREAD_BODY.length })
        res.end(UNREAD_BODY)
        return
      }
      const pad = received.url.includes('long') || /customers\/9/.test(received.url) ? LONG : ''
      sendJson(res, received, `{"id": 1, "parent_id": null, "pad": "${pad}"}`)
    })
    const app = await buildTestApp(t, upstream.url)
    const { hostname, port } = new URL(app.url)
    const open = (): Socket => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      t.teardown(() => void socket.destroy())
      return socket
    }
    const head = `GET /customers/1 HTTP/1.1\r\nHost: a\r\nX-Pad: ${'x'.repeat(1_000)}\r\n\r\n`
    const startedAt = performance.now()
    let gone = 0
    let lastGoneAt = 0
    for (let i = 0; i < DRIPPING; i++) {
      const socket = open()
      let at = 0
      const drip = setInterval(() => socket.write(head.charAt(at++)), 1_000)
      socket.resume()
      socket.once('close', () => {
        clearInterval(drip)
        gone++
        lastGoneAt = performance.now()
      })
    }
    // Beside them, clients that ask for much and read nothing of it.
    await app.get('/customers/9')
    const asked = `GET /customers/9 HTTP/1.1\r\nHost: a\r\n${Object.entries(HEADERS)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\r\n')}\r\n\r\n`
    const before = process.memoryUsage().rss
    for (let i = 0; i < READERS; i++) open().pause().write(asked.repeat(4))
    // And others of another tenant, whose answers pass through and are longer than what the kernel keeps.
    const unread = asked
      .replace('/customers/9', '/unread')
      .replace('x-tenant-id: 7', 'x-tenant-id: 8')
    for (let i = 0; i < UNREAD; i++) open().pause().write(unread)
    let served = 0
    while (gone < DRIPPING && performance.now() - startedAt < 30_000) {
      const path = served % 10 === 5 ? '/things' : `/customers/${1 + (served % 10)}`
      const reply = await app.get(path)
      if (reply.status !== 200) t.fail(`${reply.status}`)
      served++
      await delay(20)
    }
    const grown = (process.memoryUsage().rss - before) / 2 ** 20
    t.equal(gone, DRIPPING)
    t.ok(
      lastGoneAt - startedAt <= HEAD_DEADLINE_MS + 5_000,
      'within the deadline and what a busy machine takes',
    )
    t.ok(served > 100)
    t.ok(grown < 150, `${grown.toFixed(0)} MiB`)
    const seconds = ((lastGoneAt - startedAt) / 1000).toFixed(1)
    t.comment(
      `S10: ${gone} gone after ${seconds} s, ${served} others served, ${grown.toFixed(0)} MiB more`,
    )
  },
)
