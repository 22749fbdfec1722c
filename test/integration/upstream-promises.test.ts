/**
 * What Layby promises of the upstream, counted (reliability U3, U4, U5, U9, F20, F33). `U3_RUNS` and `U4_WRITES`
 * set how often; 2,000 and 10,000 for a release.
 */
import { connect } from 'node:net'
import t from 'tap'
import { seededRandom } from '../../demo/data.ts'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { untracked } from '../helpers/untracked.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const U3_RUNS = Number(process.env['U3_RUNS'] ?? 100)
const U4_WRITES = Number(process.env['U4_WRITES'] ?? 1_000)
const FOLLOWERS = 20
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const random = seededRandom(`promises/${SEED}`)

t.setTimeout(600_000)

t.test(`U3: ${U3_RUNS} leaders go away, and harm no follower`, async (t) => {
  await untracked(t)
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const { hostname, port } = new URL(app.url)
  const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`)
  let errors = 0
  let looked = 0
  for (let n = 1; n <= U3_RUNS; n++) {
    const path = `/customers/${n}`
    upstream.hold()
    const leader = connect(Number(port), hostname)
    leader.on('error', () => {})
    leader.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n`)
    await app.lookedUp(++looked)
    const early = Math.floor(random() * (FOLLOWERS + 1))
    const followers: ReturnType<typeof app.get>[] = []
    for (let i = 0; i < FOLLOWERS; i++) {
      if (i === early) leader.destroy()
      followers.push(app.get(path))
    }
    looked += FOLLOWERS
    await app.lookedUp(looked)
    leader.destroy()
    upstream.release()
    for (const reply of await Promise.all(followers)) if (reply.status !== 200) errors++
  }
  t.equal(errors, 0)
  t.ok(upstream.requests.length <= 2 * U3_RUNS)
  t.comment(
    `U3: ${U3_RUNS * FOLLOWERS} followers, ${errors} failed, ${upstream.requests.length} fetches for ${U3_RUNS}`,
  )
})

t.test(`U4: ${U4_WRITES} writes, one in twenty reset, are each sent once`, async (t) => {
  await untracked(t)
  const receipts = new Map<string, number>()
  const upstream = await startUpstream(t, (received, res) => {
    const { mark } = JSON.parse(received.body) as { mark: string }
    receipts.set(mark, (receipts.get(mark) ?? 0) + 1)
    if (random() < 0.05) res.socket?.resetAndDestroy()
    else sendJson(res, received, '{"id": 1, "parent_id": null}')
  })
  const app = await buildTestApp(t, upstream.url)
  const statuses: Record<number, number> = {}
  let next = 0
  const work = async (): Promise<void> => {
    for (let n = next++; n < U4_WRITES; n = next++) {
      const [method, path] =
        n % 2 === 0 ? ['PATCH', '/customers/1'] : ['POST', '/customers/1/contacts']
      const headers = { 'content-type': 'application/json' }
      const { status } = await app.get(path as string, {
        method: method as string,
        headers,
        body: `{"mark": "${n}"}`,
      })
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  t.equal(receipts.size, U4_WRITES)
  t.same(new Set(receipts.values()), new Set([1]))
  t.equal((statuses[200] ?? 0) + (statuses[502] ?? 0), U4_WRITES)
  t.comment(
    `U4: ${U4_WRITES} writes, ${receipts.size} received once each, ${statuses[502] ?? 0} ended with 502`,
  )
})

t.test('U5: an upstream that answers 503 is asked no more often than clients ask', async (t) => {
  const upstream = await startUpstream(t, (_received, res) => res.writeHead(503).end())
  const app = await buildTestApp(t, upstream.url)
  for (let n = 1; n <= 500; n++) {
    await app.get(`/customers/${n}`)
    app.clock.advance(100)
  }
  const calls = upstream.requests.length
  t.ok(calls <= 550)
  // Ten until it opens, then one a second for the rest of fifty.
  t.ok(calls <= 10 + 50)
  t.comment(`U5: 500 misses, ${calls} calls`)
})

t.test(
  'U9: an upstream that flaps every two seconds is tried once a second while it is down',
  async (t) => {
    let isDown = false
    const upstream = await startUpstream(t, (received, res) => {
      if (isDown) res.writeHead(503).end()
      else sendJson(res, received, '{"id": 1, "parent_id": null}')
    })
    const app = await buildTestApp(t, upstream.url)
    let most = 0
    let served = 0
    for (let flap = 0; flap < 10; flap++) {
      isDown = flap % 2 === 0
      const before = upstream.requests.length
      for (let n = 0; n < 40; n++) {
        const { status } = await app.get(`/customers/${1 + flap * 40 + n}`)
        if (status === 200) served++
        app.clock.advance(50)
      }
      if (isDown) most = Math.max(most, upstream.requests.length - before)
    }
    t.ok(most <= 10 + 2, `${most} calls in two seconds of being down`)
    // It may take up to a second until it is noticed that the upstream is back.
    t.ok(served >= 5 * 20)
    t.comment(`U9: ${most} calls at most in two seconds down, ${served} of 200 served while up`)
  },
)

t.test('F20: a name that leads nowhere is 502, and tells nothing of it', async (t) => {
  const app = await buildTestApp(t, 'http://nowhere.invalid')
  for (const path of ['/customers/1', '/things']) {
    const reply = await app.get(path)
    t.equal(reply.status, 502)
    t.notMatch(reply.body, /nowhere|ENOTFOUND|EAI_AGAIN/)
  }
  t.notMatch(app.logged(), /nowhere/)
})
