/** The upstream's name, while it can not be resolved, and once it can (reliability F20). */
import dns from 'node:dns'
import t, { type Test } from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'

const NAME = 'api.layby.invalid'
/** A lookup without an end is given up with the connection it is for. */
const CONNECT_MS = 500
/** Others share the machine; what it may be on a quiet one: `upstream-deadlines.test.ts`. */
const LATE_MS = 5_000
/** The breaker opens after ten failures of cached reads in a row, and then tries once a second. */
const TO_OPEN = 10
const PROBE_MS = 1_000

type Answer = (error: Error | null, address?: unknown, family?: number) => void
type Lookup = (name: string, options: { readonly all?: boolean }, answer: Answer) => void

interface Names {
  /** Lookups of the upstream's name so far. */
  readonly asked: number
  /** Replaces what becomes of one from now on. */
  answer(lookup: Lookup): void
}

/** `node:net` takes `lookup` from there each time it connects. */
function standInForNames(t: Test): Names {
  const original = dns.lookup
  let current: Lookup = original as Lookup
  let asked = 0
  dns.lookup = ((name: string, options: { readonly all?: boolean }, answer: Answer) => {
    if (name !== NAME) return (original as Lookup)(name, options, answer)
    asked++
    current(name, options, answer)
  }) as typeof dns.lookup
  t.teardown(() => {
    dns.lookup = original
  })
  return {
    get asked() {
      return asked
    },
    answer: (lookup) => {
      current = lookup
    },
  }
}

const fails =
  (code: string): Lookup =>
  (name, _options, answer) =>
    process.nextTick(answer, Object.assign(new Error(`getaddrinfo ${code} ${name}`), { code }))

const resolves: Lookup = (_name, { all = false }, answer) => {
  const [address, family] = ['127.0.0.1', 4]
  process.nextTick(() =>
    all ? answer(null, [{ address, family }]) : answer(null, address, family),
  )
}

async function startNamed(t: Test, upstream: Record<string, unknown> = {}) {
  const names = standInForNames(t)
  const server = await startUpstream(t)
  const url = server.url.replace('127.0.0.1', NAME)
  return {
    names,
    server,
    app: await buildTestApp(t, url, { upstream: { addressCheckMs: 0, ...upstream } }),
  }
}

async function checkUnreachable(t: Test, app: TestApp): Promise<void> {
  // Three failures of cached reads: the breaker, which would keep the next ones away, opens at ten.
  for (let times = 1; times <= 3; times++) {
    for (const [method, path] of [
      ['GET', `/customers/${times}`],
      ['GET', '/things'],
      ['PATCH', '/customers/1'],
    ] as const) {
      const reply = await app.get(path, { method })
      t.equal(reply.status, 502, `${method} ${path}`)
      t.match(JSON.parse(reply.body), { code: 'upstream_unreachable' })
    }
  }
  t.notMatch(app.logged(), /layby\.invalid/)
}

for (const code of ['ENOTFOUND', 'EAI_AGAIN']) {
  t.test(`F20: a name with ${code} is 502, and 200 at once when it resolves`, async (t) => {
    const { names, server, app } = await startNamed(t)
    names.answer(fails(code))
    await checkUnreachable(t, app)
    const asked = names.asked
    t.equal(asked, 9, 'it is asked for each time')
    names.answer(resolves)
    const from = performance.now()
    // The very next one: nothing is remembered of the failures.
    t.equal((await app.get('/customers/1')).status, 200)
    const tookMs = performance.now() - from
    t.equal(names.asked, asked + 1)
    t.equal((await app.get('/things')).status, 200)
    t.equal((await app.get('/customers/2', { method: 'PATCH' })).status, 200)
    t.equal(server.requests.length, 3)
    t.comment(
      `F20: ${code}: the first request after the name resolves is 200, ${tookMs.toFixed(0)} ms later`,
    )
  })
}

t.test('F20: a breaker that opened meanwhile lets one try in the next second', async (t) => {
  const { names, app } = await startNamed(t)
  names.answer(fails('ENOTFOUND'))
  for (let n = 1; n <= TO_OPEN; n++) t.equal((await app.get(`/customers/${n}`)).status, 502)
  names.answer(resolves)
  const asked = names.asked
  const kept = await app.get('/customers/1')
  t.equal(kept.status, 503)
  t.match(kept.headers['retry-after'], /^[12]$/)
  t.equal((await app.get('/things')).status, 200, 'what passes through is not kept away')
  t.equal(names.asked, asked + 1)
  app.clock.advance(PROBE_MS)
  t.equal((await app.get('/customers/1')).status, 200)
  t.equal((await app.get('/customers/2')).status, 200)
})

t.test(
  'F20: a lookup that has no end is 504 at the connect deadline, and holds nothing else up',
  async (t) => {
    const { names, server, app } = await startNamed(t, { connectTimeoutMs: CONNECT_MS })
    names.answer(resolves)
    t.equal((await app.get('/customers/1')).status, 200)
    const pending: (() => void)[] = []
    // The one idle connection is taken, so that whoever comes now needs a name.
    server.hold()
    const holder = app.get('/things')
    await server.received(2)
    names.answer((...lookup) => void pending.push(() => resolves(...lookup)))
    const from = performance.now()
    const ways = [
      ['GET', '/customers/2'],
      ['GET', '/things'],
      ['PATCH', '/customers/3'],
    ] as const
    const asked = Promise.all(ways.map(([method, path]) => app.get(path, { method })))
    await until(() => pending.length === ways.length, 'that all look the name up')
    server.release()
    t.equal((await holder).status, 200)
    names.answer(resolves)
    t.match((await app.get('/customers/1')).headers['cache-status'], /; hit/)
    t.equal((await app.get('/customers/4')).status, 200, 'on a connection that there is')
    const others = await Promise.all([5, 6, 7].map((n) => app.get(`/customers/${n}`)))
    t.strictSame(new Set(others.map(({ status }) => status)), new Set([200]), 'and on new ones')
    for (const [i, reply] of (await asked).entries()) {
      t.equal(reply.status, 504, `${ways[i]}`)
      t.match(JSON.parse(reply.body), { code: 'upstream_timeout' })
    }
    const tookMs = performance.now() - from
    t.ok(tookMs >= CONNECT_MS - 50 && tookMs < CONNECT_MS + LATE_MS, `${tookMs} ms`)
    // They come after all, and nobody wants them any more.
    const received = server.requests.length
    for (const come of pending) come()
    t.equal((await app.get('/customers/8')).status, 200)
    t.equal(server.requests.length, received + 1)
    t.comment(`F20: a lookup without an end: 504, and ${2 + others.length} others served meanwhile`)
  },
)
