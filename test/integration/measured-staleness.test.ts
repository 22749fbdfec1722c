/** What Layby says of how long hits were behind, beside what an upstream knows that tells when it changed. */
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const TTL_MS = 60_000
const GRACE_MS = 20_000

interface Truth {
  readonly app: TestApp
  /** Bounds as they are reported, in milliseconds. */
  readonly bounds: number[]
  /** Changes the record behind Layby's back. */
  change(): void
  /** Reads; if a hit, how long its bytes had been wrong by then: 0 where they were right. */
  read(): Promise<{ readonly isHit: boolean; readonly staleMs: number }>
  write(): Promise<void>
}

async function build(t: Test): Promise<Truth> {
  let version = 1
  /** Version → when another took its place. */
  const endedAt = new Map<number, number>()
  const upstream = await startUpstream(t, (received, res) => {
    if (received.method === 'PATCH') change()
    sendJson(res, received, { id: 1, name: `v${version}`, parent_id: null })
  })
  const bounds: number[] = []
  const cache = {
    ttlMs: TTL_MS,
    staleWhileRevalidateMs: GRACE_MS,
    credentialTtlMs: 3_600_000,
    grantTtlMs: 86_400_000,
  }
  const outdated = (milliseconds: number): void => void bounds.push(milliseconds)
  const app = await buildTestApp(t, upstream.url, { cache }, { reporter: { outdated } })
  const change = (): void => {
    endedAt.set(version, app.clock.monotonic())
    version++
  }
  const read = async () => {
    const filled = upstream.requests.length
    const { body, headers } = await app.get('/customers/1/')
    const isHit = /layby; hit/.test(String(headers['cache-status']))
    const shown = Number(/v(\d+)/.exec(body)?.[1])
    const staleMs = shown === version ? 0 : app.clock.monotonic() - (endedAt.get(shown) as number)
    // What is refreshed behind the client's back is to be done before the clock goes on.
    if (/detail=swr/.test(String(headers['cache-status']))) await settled(app, upstream, filled)
    return { isHit, staleMs }
  }
  const write = async (): Promise<void> => {
    const headers = { 'content-type': 'application/json' }
    await app.get('/customers/1', { method: 'PATCH', headers, body: '{}' })
  }
  return { app, bounds, change, read, write }
}

/** Until the copy is fresh again: a hit then is no stale one. */
async function settled(
  app: TestApp,
  upstream: { received(count: number): Promise<void> },
  before: number,
): Promise<void> {
  await upstream.received(before + 1)
  for (;;) {
    const text = await (await fetch(`${app.opsUrl}/metrics`)).text()
    const stored = Number(/layby_fill_seconds_count\{result="stored"\} (\d+)/.exec(text)?.[1])
    if (stored > before) return
  }
}

t.test('a change is found with a bound on how long the last hit before it was wrong', async (t) => {
  const { app, bounds, change, read } = await build(t)
  await read()
  app.clock.advance(10_000)
  change()
  app.clock.advance(20_000)
  t.strictSame(await read(), { isHit: true, staleMs: 20_000 })
  app.clock.advance(15_000)
  t.strictSame(await read(), { isHit: true, staleMs: 35_000 })
  app.clock.advance(40_000)
  t.strictSame(await read(), { isHit: false, staleMs: 0 })
  t.strictSame(bounds, [45_000], 'the last hit came 45 s after the bytes were confirmed')
  const text = await (await fetch(`${app.opsUrl}/metrics`)).text()
  t.match(text, /^layby_staleness_seconds_sum 45$/m)
  t.match(text, /^layby_staleness_seconds_count 1$/m)
})

t.test('a change that nobody was served past is found with nothing', async (t) => {
  const { app, bounds, change, read } = await build(t)
  await read()
  change()
  app.clock.advance(TTL_MS + GRACE_MS)
  t.strictSame(await read(), { isHit: false, staleMs: 0 })
  t.strictSame(bounds, [0])
})

t.test('bytes that are confirmed again count from then on', async (t) => {
  const { app, bounds, change, read } = await build(t)
  await read()
  app.clock.advance(50_000)
  await read()
  app.clock.advance(40_000)
  t.notOk((await read()).isHit, 'asked for anew, and the same')
  app.clock.advance(5_000)
  await read()
  change()
  app.clock.advance(80_000)
  await read()
  t.strictSame(bounds, [5_000])
})

t.test('a write through Layby is no staleness, since nobody is served past it', async (t) => {
  const { app, bounds, read, write } = await build(t)
  await read()
  app.clock.advance(30_000)
  await read()
  await write()
  t.strictSame(await read(), { isHit: false, staleMs: 0 })
  t.strictSame(bounds, [])
})

t.test(
  'no hit was ever wrong for longer than the bound that follows, whatever happened',
  async (t) => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant('read' as const) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 50_000 }) },
      { weight: 1, arbitrary: fc.constant('change' as const) },
    )
    const { app, bounds, change, read } = await build(t)
    let found = 0
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 40 }),
      async (steps) => {
        // From something that is known to be right, and found.
        app.clock.advance(TTL_MS + GRACE_MS)
        await read()
        bounds.length = 0
        let worst = 0
        for (const each of [...steps, TTL_MS + GRACE_MS, 'read' as const]) {
          if (each === 'change') change()
          if (typeof each === 'number') app.clock.advance(each)
          if (each !== 'read') continue
          const { isHit, staleMs } = await read()
          if (isHit) worst = Math.max(worst, staleMs)
          const bound = bounds.shift()
          if (bound === undefined) continue
          found++
          if (bound < worst) throw new Error(`wrong for ${worst} ms, and the bound was ${bound}`)
          if (bound > TTL_MS + GRACE_MS)
            throw new Error(`a bound of ${bound}: longer than a copy lives`)
          worst = 0
        }
        if (worst > 0) throw new Error(`wrong for ${worst} ms, and no change was found`)
      },
    )
    await fc.assert(property, { numRuns: 100 })
    t.ok(found > 100, `${found} changes were found`)
  },
)
