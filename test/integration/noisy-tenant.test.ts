/**
 * One tenant asks for ten times what the API can answer, and nine others must not feel it (reliability S11).
 * `S11_SECONDS` sets how long, without it and with it; 60 for a release.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startLayby } from '../helpers/layby-process.ts'
import { type Ask, OpenLoad, quantile, type Told } from '../helpers/open-load.ts'
import { untracked } from '../helpers/untracked.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const SECONDS = Number(process.env['S11_SECONDS'] ?? 3)
/** The API answers so many at once, each after so long, and lets the others wait: 60 a second. */
const AT_ONCE = 6
const ANSWER_MS = 100
const CAPACITY = (AT_ONCE * 1_000) / ANSWER_MS
/** What a tenant may have under way of either: as an operator would choose it, a part of what the API can do. */
const TENANT_PLACES = 3
/** Of nine tenants together: a fifth of the API's capacity is what is not in memory of it. */
const QUIET_PER_SECOND = 60
const QUIET_CUSTOMERS = 10
const MAX_RATIO = 1.5
/** A shorter run, beside others on a busy machine, has too few reads for a bound in milliseconds. */
const MIN_SECONDS = 30

let fresh = 1_000_000
let running = 0
const line: (() => void)[] = []

function answerInTurn(answer: () => void): void {
  if (running === AT_ONCE) {
    line.push(() => answerInTurn(answer))
    return
  }
  running++
  setTimeout(() => {
    running--
    answer()
    line.shift()?.()
  }, ANSWER_MS)
}

/** One in ten is a customer that nobody has asked for, and one in ten passes through. */
function quietPath(n: number): string {
  if (n % 10 === 5) return `/things/${fresh++}`
  return `/customers/${n % 10 === 0 ? fresh++ : 1 + (Math.floor(n / 9) % QUIET_CUSTOMERS)}`
}

/** What the noisy tenant asks for, and asks again and again. */
const NOISE: Record<string, (n: number) => Omit<Ask, 'tenant'>> = {
  'distinct ids': () => ({ path: `/customers/${fresh++}` }),
  'what passes through': (n) =>
    (
      [
        { path: '/customers/1?all' },
        { path: '/things' },
        { path: '/things', method: 'HEAD' },
        { path: '/things', method: 'OPTIONS' },
        { path: `/customers/${fresh++}`, method: 'PATCH', body: '{}' },
      ] as const
    )[n % 5] as Omit<Ask, 'tenant'>,
}

function quiet(load: OpenLoad): Promise<Told[]> {
  return load.run(SECONDS, QUIET_PER_SECOND, (n) => ({
    tenant: 2 + (n % 9),
    path: quietPath(n),
  }))
}

function figuresOf(answers: readonly Told[]) {
  const hits = answers.filter(({ cacheStatus }) => cacheStatus.includes('; hit')).length
  return {
    failed: answers.filter(({ status }) => status !== 200).length,
    hitShare: hits / answers.length,
    p99: quantile(
      answers.map(({ milliseconds }) => milliseconds),
      0.99,
    ),
  }
}

t.setTimeout((3 * SECONDS + 600) * 1_000)

for (const [name, ask] of Object.entries(NOISE)) {
  t.test(
    `S11: ${SECONDS} s of a tenant that asks for ten times what there is, by ${name}`,
    async (t) => {
      await untracked(t)
      const upstream = await startUpstream(t, (received, res) => {
        answerInTurn(() => sendJson(res, received, '{"parent_id":null,"name":"x"}'))
        if (upstream.requests.length > 10_000) upstream.forget()
      })
      const layby = await startLayby(t, upstream.url, {
        environment: {
          LAYBY_UPSTREAM_TENANT_READS: String(TENANT_PLACES),
          LAYBY_UPSTREAM_TENANT_PASS_THROUGH: String(TENANT_PLACES),
          LAYBY_CACHE_TTL_MS: String(3_600_000),
          // A process that gets no time sheds for all: that is another promise (P3).
          LAYBY_SERVER_MAX_EVENT_LOOP_DELAY_MS: '0',
        },
      })
      const load = new OpenLoad(layby.url)
      t.teardown(() => load.close())
      // What is asked again and again is in memory before the clock runs.
      for (let tenant = 2; tenant <= 10; tenant++) {
        const paths = Array.from({ length: QUIET_CUSTOMERS }, (_, i) => `/customers/${i + 1}`)
        await Promise.all(paths.map((path) => load.ask({ tenant, path })))
      }
      const alone = figuresOf(await quiet(load))
      const noise = load.run(SECONDS + 1, 10 * CAPACITY, (n) => ({ tenant: 1, ...ask(n) }))
      // It takes half a second until its queue is cut, and all who wait in it are refused at once.
      await delay(1_000)
      const beside = figuresOf(await quiet(load))
      const noisy = await noise
      const refused = noisy.filter(({ status }) => status === 503)
      const served = noisy.filter(({ status }) => status === 200)
      const refusedMs = quantile(
        refused.map(({ milliseconds }) => milliseconds),
        0.5,
      )
      t.comment(
        `S11, ${name}: beside a tenant that asked ${noisy.length} times and was refused ${refused.length} times (${refusedMs.toFixed(1)} ms in the median) nine others had ${beside.failed} failures, ${(100 * beside.hitShare).toFixed(1)} % hits and a p99 of ${beside.p99.toFixed(0)} ms; without it ${(100 * alone.hitShare).toFixed(1)} % and ${alone.p99.toFixed(0)} ms`,
      )
      t.strictSame([alone.failed, beside.failed], [0, 0], 'nobody else is refused')
      t.ok(Math.abs(alone.hitShare - beside.hitShare) < 0.02)
      if (SECONDS >= MIN_SECONDS) t.ok(beside.p99 <= MAX_RATIO * alone.p99)
      t.equal(served.length + refused.length, noisy.length)
      t.ok(refused.every(({ retryAfter }) => /^[1-3]$/.test(retryAfter ?? '')))
      t.ok(refused.length > noisy.length / 2)
      // Not nothing: its places are its own. How many, is for a machine that does nothing else.
      t.ok(served.length > (SECONDS * TENANT_PLACES * 1_000) / ANSWER_MS / 10)
    },
  )
}
