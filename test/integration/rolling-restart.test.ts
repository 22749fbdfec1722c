/**
 * Rolling restarts under load lose nothing (reliability P1): keep-alive clients behind a shim that looks at
 * readiness, two instances, one of them replaced again and again. `RESTARTS` sets how often; 20 for a release.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Agent, request } from 'undici'
import { type App, buildApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config/load.ts'
import { createLogger } from '../../src/lib/logger.ts'
import type { Listening } from '../../src/listeners.ts'
import { FAST_PATH, HEADERS } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const RESTARTS = Number(process.env['RESTARTS'] ?? 4)
const CLIENTS = 20
// Many times what the shim takes to look again, however busy the machine is.
const DRAIN_DELAY_MS = 1_500

t.setTimeout(600_000)
t.test(`${RESTARTS} restarts under load`, async (t) => {
  const upstream = await startUpstream(t, (received, res, n) => {
    const body = '{"id": 1, "parent_id": null}'
    // One in ten is slow: a restart must wait for it.
    setTimeout(() => sendJson(res, received, body), n % 10 === 0 ? 1_000 : 5)
  })
  const start = async (): Promise<Instance> => {
    const config = parseConfig({
      server: { port: 0, drainDelayMs: DRAIN_DELAY_MS, fastPath: FAST_PATH },
      ops: { port: 0 },
      upstream: { url: upstream.url },
    })
    const app = await buildApp(config, { log: createLogger('silent') })
    return { app, at: await app.listen(), isReady: true }
  }
  const instances = [await start(), await start()]
  const agent = new Agent({ connections: CLIENTS })
  let isOver = false
  let answered = 0
  const lost: string[] = []
  /** As a load balancer does: looks every so often, and not at every request. */
  const watch = async (): Promise<void> => {
    while (!isOver) {
      for (const instance of instances) {
        const ready = await request(`${instance.at.opsUrl}/health/ready`).catch(() => null)
        instance.isReady = ready?.statusCode === 200
        await ready?.body.dump()
      }
      await delay(100)
    }
  }
  const client = async (seed: number): Promise<void> => {
    for (let n = seed; !isOver; n++) {
      const ready = instances.filter(({ isReady }) => isReady)
      const { at } = (ready[n % ready.length] ?? instances[0]) as Instance
      const method = n % 5 === 0 ? 'PATCH' : 'GET'
      const body = method === 'PATCH' ? '{}' : null
      const headers = {
        ...HEADERS,
        ...(body === null ? {} : { 'content-type': 'application/json' }),
      }
      const path = n % 3 === 0 ? '/things' : `/customers/${1 + (n % 50)}`
      try {
        const reply = await request(at.url + path, { method, headers, body, dispatcher: agent })
        await reply.body.dump()
        if (reply.statusCode !== 200) lost.push(`${method} ${path}: ${reply.statusCode}`)
        answered++
      } catch (error) {
        lost.push(`${method} ${path}: ${(error as { code?: string }).code}`)
      }
    }
  }
  const working = [watch(), ...Array.from({ length: CLIENTS }, (_, i) => client(i))]
  for (let n = 0; n < RESTARTS; n++) {
    await delay(200)
    const leaving = instances[n % 2] as Instance
    const closed = leaving.app.close()
    const replacement = await start()
    await closed
    instances[n % 2] = replacement
  }
  isOver = true
  await Promise.all(working)
  await Promise.all([agent.destroy(), ...instances.map(({ app }) => app.close())])
  t.same(lost.slice(0, 5), [])
  t.ok(answered > RESTARTS * 50)
  t.comment(`${answered} requests over ${RESTARTS} restarts, ${lost.length} lost`)
})

interface Instance {
  readonly app: App
  readonly at: Listening
  isReady: boolean
}
