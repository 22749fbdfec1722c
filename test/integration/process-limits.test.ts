/** The process at its limits: file descriptors (F39), long bodies (F28), a small heap (F41). Real processes. */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Agent, request } from 'undici'
import { HEADERS } from '../helpers/app.ts'
import { startLayby } from '../helpers/layby-process.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const HEAP_SECONDS = Number(process.env['HEAP_SECONDS'] ?? 10)

const isLinux = process.platform === 'linux'
t.setTimeout(900_000)

t.test(
  'F39: with 256 file descriptors and 400 clients it lives, and recovers',
  { skip: !isLinux },
  async (t) => {
    const upstream = await startUpstream(t)
    const { child, url } = await startLayby(t, upstream.url, { shell: 'ulimit -n 256; ' })
    const { hostname, port } = new URL(url)
    // What is in memory needs no more descriptors.
    await (await request(`${url}/customers/1`, { headers: HEADERS })).body.dump()
    const sockets: Socket[] = []
    let answered = 0
    const ask = `GET /customers/1 HTTP/1.1\r\nHost: a\r\n${Object.entries(HEADERS)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\r\n')}\r\n\r\n`
    for (let i = 0; i < 400; i++) {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      socket.once('data', (chunk) => {
        if (chunk.toString('latin1').startsWith('HTTP/1.1 200 ')) answered++
      })
      socket.write(ask)
      sockets.push(socket)
    }
    for (let ms = 0; answered < 100 && ms < 20_000; ms += 20) await delay(20)
    t.ok(answered >= 100)
    for (const socket of sockets) socket.destroy()
    let status = 0
    const from = performance.now()
    while (status !== 200 && performance.now() - from < 20_000) {
      const reply = await request(`${url}/customers/1`, { headers: HEADERS }).catch(() => null)
      status = reply?.statusCode ?? 0
      await reply?.body.dump()
    }
    t.equal(status, 200)
    t.equal(child.exitCode, null)
    t.comment(
      `F39: ${answered} of 400 answered, the next after ${(performance.now() - from).toFixed(0)} ms`,
    )
  },
)

t.test('F28: a body of 200 MB is streamed, and memory stays', { skip: !isLinux }, async (t) => {
  const piece = Buffer.alloc(65_536, 'x')
  const pieces = 3_200
  const upstream = await startUpstream(t, (_received, res) => {
    res.writeHead(200, {
      'content-type': 'application/json',
      'content-length': piece.length * pieces,
    })
    let left = pieces
    const more = (): void => {
      while (left > 0 && !res.destroyed) {
        left--
        if (!res.write(piece)) {
          res.once('drain', more)
          return
        }
      }
      res.end()
    }
    more()
  })
  const { url, memory } = await startLayby(t, upstream.url)
  const agent = new Agent()
  t.teardown(() => agent.destroy())
  const read = async (path: string): Promise<number> => {
    const reply = await agent.request({ origin: url, path, method: 'GET', headers: HEADERS })
    let size = 0
    for await (const chunk of reply.body) size += (chunk as Buffer).length
    return size
  }
  // Once through each way, so that what is only made once is there.
  for (const path of ['/customers/1', '/things']) t.equal(await read(path), piece.length * pieces)
  const before = memory().now
  for (const path of ['/customers/1', '/things']) t.equal(await read(path), piece.length * pieces)
  const grown = memory().now - before
  t.ok(grown <= 20, `${grown.toFixed(1)} MiB`)
  t.comment(
    `F28: ${grown.toFixed(1)} MiB more after two bodies of 200 MB, ${memory().most.toFixed(0)} MiB at most`,
  )
})

t.test(
  `F41: ${HEAP_SECONDS} s with a heap of 128 MB and a memory tier of 64 MiB`,
  { skip: !isLinux },
  async (t) => {
    const upstream = await startUpstream(t, (received, res, n) => {
      const pad = 'driver notes, '.repeat(1 + (n % 1_500))
      sendJson(res, received, `{"id": 1, "parent_id": null, "pad": "${pad}"}`)
    })
    const { child, url, memory } = await startLayby(t, upstream.url, {
      flags: ['--max-old-space-size=128'],
    })
    const agent = new Agent({ connections: 16 })
    t.teardown(() => agent.destroy())
    let n = 0
    let failed = 0
    const until = performance.now() + HEAP_SECONDS * 1_000
    const work = async (): Promise<void> => {
      while (performance.now() < until) {
        const path = `/customers/${1 + (n++ % 50_000)}`
        const headers = { ...HEADERS, 'accept-encoding': n % 3 === 0 ? 'br' : 'identity' }
        const reply = await agent.request({ origin: url, path, method: 'GET', headers })
        await reply.body.dump()
        if (reply.statusCode !== 200) failed++
      }
    }
    await Promise.all(Array.from({ length: 16 }, work))
    t.equal(child.exitCode, null)
    t.equal(failed, 0)
    const { most } = memory()
    t.ok(most < 400, `${most} MiB`)
    t.comment(`F41: ${n} reads, ${most.toFixed(0)} MiB resident at most`)
  },
)
