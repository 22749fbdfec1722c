/**
 * An API that answers 503 for a while (reliability F26, U5), and one that ends idle connections as they are used
 * again (F31, U4). `F26_SECONDS` and `F31_REQUESTS` set how long and how often; 60 and 100,000 for a release.
 */
import t from 'tap'
import { seededRandom } from '../../demo/data.ts'
import { startLayby } from '../helpers/layby-process.ts'
import { OpenLoad, type Told } from '../helpers/open-load.ts'
import { untracked } from '../helpers/untracked.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const F26_SECONDS = Number(process.env['F26_SECONDS'] ?? 3)
const F31_REQUESTS = Number(process.env['F31_REQUESTS'] ?? 4_000)
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const PER_SECOND = 300
const KNOWN = 50
/** Of connections that are used again, these end. Of reads by chance, and so one that is sent again may meet another. */
const ENDING_READS = 0.02
/** More, since there are fewer writes, and no budget. */
const ENDING_WRITES = 0.2
const random = seededRandom(`trouble/${SEED}`)

t.setTimeout((2 * F26_SECONDS + F31_REQUESTS / 100 + 600) * 1_000)
t.comment(`seed ${SEED}`)

/** Not answered from a fresh copy: for these the upstream may be asked. */
function missesOf(answers: readonly Told[]): number {
  return answers.filter(({ cacheStatus }) => !/; hit;.*detail=memory/.test(cacheStatus)).length
}

t.test(`F26: ${F26_SECONDS} s of 503 for half of all reads, then for all`, async (t) => {
  await untracked(t)
  let share = 0
  let calls = 0
  const upstream = await startUpstream(t, (received, res) => {
    calls++
    upstream.forget()
    if (random() < share) res.writeHead(503).end()
    else sendJson(res, received, '{"parent_id":null,"name":"x"}')
  })
  const layby = await startLayby(t, upstream.url, {
    // Short, so that what is known is refreshed all the time.
    environment: { LAYBY_CACHE_TTL_MS: '1000', LAYBY_CACHE_STALE_WHILE_REVALIDATE_MS: '0' },
  })
  const load = new OpenLoad(layby.url)
  t.teardown(() => load.close())
  const paths = Array.from({ length: KNOWN }, (_, i) => `/customers/${i + 1}`)
  for (const path of paths) t.equal((await load.ask({ tenant: 1, path })).status, 200)
  let fresh = 1_000
  for (share of [0.5, 1]) {
    const before = calls
    const answers = await load.run(F26_SECONDS, PER_SECOND, (n) => ({
      tenant: 1,
      // One in ten is a customer that nobody has asked for.
      path: n % 10 === 0 ? `/customers/${fresh++}` : (paths[n % KNOWN] as string),
    }))
    const known = answers.filter((_, n) => n % 10 !== 0)
    const unknown = answers.filter((_, n) => n % 10 === 0)
    const [asked, misses] = [calls - before, missesOf(answers)]
    t.comment(
      `F26: ${100 * share} % of 503 for ${F26_SECONDS} s: ${known.length} known reads, ${known.filter(({ status }) => status !== 200).length} failed; ${misses} misses, ${asked} calls`,
    )
    t.strictSame(
      known.filter(({ status }) => status !== 200),
      [],
      'who was given a customer keeps it',
    )
    // Passed on, or not sent while the breaker is open.
    t.ok(unknown.every(({ status }) => [200, 502, 503].includes(status)))
    t.ok(asked <= 1.1 * misses, `${asked} calls for ${misses} misses`)
    // Ten until the breaker opens, one a second from then on.
    if (share === 1) t.ok(asked <= 10 + 2 * (F26_SECONDS + 1), `${asked} calls`)
  }
})

t.test(`F31: ${F31_REQUESTS} requests, some connections end as they are used again`, async (t) => {
  await untracked(t)
  const receipts = new Map<string, number>()
  const served = new WeakSet<object>()
  let ended = 0
  const upstream = await startUpstream(t, (received, res) => {
    upstream.forget()
    const mark = received.body === '' ? received.url : received.body
    receipts.set(mark, (receipts.get(mark) ?? 0) + 1)
    const socket = res.socket as object
    const isReused = served.has(socket)
    served.add(socket)
    const isEnding = random() < (received.method === 'GET' ? ENDING_READS : ENDING_WRITES)
    if (isReused && isEnding) {
      ended++
      // With FIN or with RST: which of the two comes is up to the upstream and its kernel.
      if (random() < 0.5) res.socket?.destroy()
      else res.socket?.resetAndDestroy()
    } else {
      sendJson(res, received, '{"parent_id":null,"name":"x"}')
    }
  })
  const layby = await startLayby(t, upstream.url)
  const load = new OpenLoad(layby.url)
  t.teardown(() => load.close())
  const failed = { reads: 0, writes: 0 }
  let writes = 0
  let next = 1
  const work = async (): Promise<void> => {
    while (next <= F31_REQUESTS) {
      const n = next++
      const isWrite = n % 20 === 0
      const path = `/customers/${n}`
      if (isWrite) {
        writes++
        const { status } = await load.ask({
          tenant: 1,
          path,
          method: 'PATCH',
          body: `{"n":${n}}`,
        })
        if (status !== 200) failed.writes++
      } else if ((await load.ask({ tenant: 1, path })).status !== 200) failed.reads++
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  const again = [...receipts.values()].filter((count) => count === 2).length
  t.comment(
    `F31: ${F31_REQUESTS - writes} reads, ${failed.reads} failed, ${again} sent again; ${writes} writes, ${failed.writes} ended with 502, all received once; ${ended} connections ended`,
  )
  t.equal(receipts.size, F31_REQUESTS, 'each was received')
  t.ok(failed.reads <= F31_REQUESTS / 10_000)
  t.ok(
    [...receipts.values()].every((count) => count <= 2),
    'once more at most',
  )
  t.ok(
    [...receipts].every(([mark, count]) => mark.startsWith('/') || count === 1),
    'a write is never sent again',
  )
  t.ok(failed.writes > 0 && ended >= F31_REQUESTS / 100)
  t.equal(again + failed.writes, ended)
})
