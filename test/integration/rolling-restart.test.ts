/**
 * Rolling restarts under load lose nothing (reliability P1): keep-alive clients behind a shim that looks at
 * readiness, two processes, one of them replaced again and again. `RESTARTS`, `RESTART_REQUESTS` and
 * `RESTART_SLOW_MS` set how often, over how many requests, and how long the slow ones take: 20, 40,000 and 3,000
 * for a release.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { FAST_PATH, HEADERS } from '../helpers/app.ts'
import { type LaybyProcess, startLayby } from '../helpers/layby-process.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const RESTARTS = Number(process.env['RESTARTS'] ?? 4)
const REQUESTS = Number(process.env['RESTART_REQUESTS'] ?? 2_000)
const SLOW_MS = Number(process.env['RESTART_SLOW_MS'] ?? 1_000)
const PER_SECOND = 200
// Many times what the shim takes to look again, however busy the machine is.
const DRAIN_DELAY_MS = 1_500

interface Instance extends LaybyProcess {
  isReady: boolean
}

async function start(t: Test, upstreamUrl: string): Promise<Instance> {
  const environment = {
    LAYBY_SERVER_DRAIN_DELAY_MS: String(DRAIN_DELAY_MS),
    LAYBY_SERVER_FAST_PATH: String(FAST_PATH),
    // A process that gets no time sheds for all: that is another promise (P3).
    LAYBY_SERVER_MAX_EVENT_LOOP_DELAY_MS: '0',
  }
  return { ...(await startLayby(t, upstreamUrl, { environment })), isReady: true }
}

/** Round robin over what was ready when it was last looked, as a load balancer does. */
class Shim {
  readonly instances: Instance[]
  #turn = 0
  #isOver = false

  constructor(instances: Instance[]) {
    this.instances = instances
  }

  next(): Instance {
    const ready = this.instances.filter(({ isReady }) => isReady)
    return (ready[this.#turn++ % ready.length] ?? this.instances[0]) as Instance
  }

  async watch(): Promise<void> {
    while (!this.#isOver) {
      for (const instance of this.instances) {
        const ready = await request(`${instance.opsUrl}/health/ready`).catch(() => null)
        instance.isReady = ready?.statusCode === 200
        await ready?.body.dump()
      }
      await delay(100)
    }
  }

  end(): void {
    this.#isOver = true
  }
}

interface Tally {
  sent: number
  answered: number
  /** Answers that asked the client to leave. */
  closing: number
  readonly lost: string[]
}

async function send(n: number, shim: Shim, agent: Agent, tally: Tally): Promise<void> {
  const isWrite = n % 5 === 0
  const method = isWrite ? 'PATCH' : 'GET'
  const headers = { ...HEADERS, ...(isWrite ? { 'content-type': 'application/json' } : {}) }
  const path = n % 3 === 0 ? '/things' : `/customers/${1 + (n % 50)}`
  try {
    const reply = await agent.request({
      origin: shim.next().url,
      path,
      method,
      headers,
      body: isWrite ? '{}' : null,
    })
    await reply.body.dump()
    if (reply.headers['connection'] === 'close') tally.closing++
    if (reply.statusCode !== 200) tally.lost.push(`${method} ${path}: ${reply.statusCode}`)
    tally.answered++
  } catch (error) {
    tally.lost.push(`${method} ${path}: ${(error as { code?: string }).code}`)
  }
}

/** So many a second by schedule, whether answers have come or not, until enough are sent and `isOver`. */
async function load(shim: Shim, agent: Agent, tally: Tally, isOver: () => boolean): Promise<void> {
  const sending: Promise<void>[] = []
  const from = performance.now()
  while (tally.sent < REQUESTS || !isOver()) {
    while (tally.sent < ((performance.now() - from) / 1_000) * PER_SECOND) {
      sending.push(send(tally.sent++, shim, agent, tally))
    }
    await delay(5)
  }
  await Promise.all(sending)
}

t.setTimeout(900_000)
t.test(`${RESTARTS} restarts under load`, async (t) => {
  const upstream = await startUpstream(t, (received, res, n) => {
    const body = '{"id": 1, "parent_id": null}'
    // One in ten is slow: a restart must wait for it.
    setTimeout(() => sendJson(res, received, body), n % 10 === 0 ? SLOW_MS : 5)
  })
  const shim = new Shim([await start(t, upstream.url), await start(t, upstream.url)])
  const agent = new Agent({ connections: 256 })
  t.teardown(() => agent.destroy())
  const tally: Tally = { sent: 0, answered: 0, closing: 0, lost: [] }
  let restarts = 0
  const working = [shim.watch(), load(shim, agent, tally, () => restarts === RESTARTS)]
  let slowestMs = 0
  for (; restarts < RESTARTS; restarts++) {
    while (tally.sent < (restarts * REQUESTS) / RESTARTS) await delay(50)
    const leaving = shim.instances[restarts % 2] as Instance
    const from = performance.now()
    const ended = leaving.end()
    const replacement = await start(t, upstream.url)
    t.equal(await ended, 0)
    slowestMs = Math.max(slowestMs, performance.now() - from)
    shim.instances[restarts % 2] = replacement
  }
  await working[1]
  shim.end()
  await working[0]
  t.same(tally.lost.slice(0, 5), [])
  t.equal(tally.answered, tally.sent)
  t.ok(tally.closing > 0, 'who drains says so to its clients')
  t.comment(
    `P1: ${tally.answered} requests over ${RESTARTS} restarts, ${tally.lost.length} lost, gone after ${(slowestMs / 1_000).toFixed(1)} s at most`,
  )
})
