/** Alerts on the process itself: over series that a Layby has shown, and by hand where none can be brought to it. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  expectFiring,
  type InputSeries,
  Recording,
  type Scrape,
  scrape,
} from '../helpers/alert-series.ts'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { startLayby } from '../helpers/layby-process.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

/** Keeps the event loop busy for so long in each turn until the test ends. */
function block(t: Test, turnMs: number): void {
  let isBlocking = true
  t.teardown(() => {
    isBlocking = false
  })
  void (async () => {
    while (isBlocking) {
      const end = performance.now() + turnMs
      while (performance.now() < end);
      await nextTurn()
    }
  })()
}

t.test(
  'LaybyDown fires for an instance that does not answer, and where there is none',
  async (t) => {
    const upstream = await startUpstream(t)
    const [a, b] = [await buildTestApp(t, upstream.url), await buildTestApp(t, upstream.url)]
    const up = [await scrape(a.opsUrl), await scrape(b.opsUrl, { instance: 'b' })] as const
    await b.close()
    const isDown = await scrape(b.opsUrl, { instance: 'b' })
    const once = new Recording()
    once.add(...up)
    once.add(up[0], isDown)
    once.add(...up)
    once.hold(5)
    for (const minute of [0.5, 1, 2, 4]) expectFiring(t, once.series(), minute, [])
    const lasting = new Recording()
    lasting.add(...up)
    lasting.add(up[0], isDown)
    lasting.hold(5)
    expectFiring(t, lasting.series(), 2, [])
    expectFiring(t, lasting.series(), 5, ['LaybyDown'])
    const vanished = new Recording()
    vanished.add(...up)
    vanished.hold(2)
    vanished.add()
    vanished.hold(10)
    expectFiring(t, vanished.series(), 2, [])
    expectFiring(t, vanished.series(), 12, ['LaybyDown'])
  },
)

t.test('LaybyDown fires for an instance that answers now and then', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const up = await scrape(app.opsUrl)
  await app.close()
  const isDown = await scrape(app.opsUrl)
  const flapping = new Recording()
  for (let i = 0; i < 40; i++) flapping.add(i % 3 === 0 ? up : isDown)
  expectFiring(t, flapping.series(), 9, ['LaybyDown'])
})

t.test('LaybyRestarting fires where the process begins anew again and again', async (t) => {
  const upstream = await startUpstream(t)
  const recording = new Recording()
  const startedAt = new Set<number>()
  // The start time is in whole seconds.
  for (let starts = 0; starts < 4; starts++) {
    await until(() => !startedAt.has(Math.round(Date.now() / 1000)))
    const layby = await startLayby(t, upstream.url)
    const found = await scrape(layby.opsUrl)
    await layby.end()
    startedAt.add(found.values.get('process_start_time_seconds{job="layby",instance="a"}') ?? 0)
    recording.add(found)
    recording.hold(3)
    if (starts < 3) expectFiring(t, recording.series(), recording.minutes - 0.5, [])
  }
  t.equal(startedAt.size, 4)
  expectFiring(t, recording.series(), recording.minutes - 0.5, ['LaybyRestarting'])
})

t.test('a busy event loop and what is shed for it raise alerts', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { maxEventLoopDelayMs: 50 } })
  await app.get('/customers/1')
  const look = () => scrape(app.opsUrl, { withEventLoop: true })
  const recording = new Recording()
  recording.add(await scrape(app.opsUrl))
  recording.hold(6)
  expectFiring(t, recording.series(), 6, [])
  block(t, 150)
  await until(async () => (await app.get('/things')).status === 503)
  // The delay is that since the last scrape.
  await look()
  for (let i = 0; i < 2; i++) {
    for (let n = 0; n < 3; n++) await app.get('/things')
    recording.add(await look())
  }
  recording.goOn(15)
  expectFiring(t, recording.series(), 7, [])
  const alerts = ['LaybyEventLoopSlow', 'LaybyServerErrors', 'LaybyShedding']
  expectFiring(t, recording.series(), 20, alerts)
})

t.test('LaybyMemoryNearLimit fires where the memory tier outgrows a small heap', async (t) => {
  const upstream = await startUpstream(t)
  const flags = ['--max-old-space-size=40', '--max-semi-space-size=1']
  const layby = await startLayby(t, upstream.url, { flags })
  const used = ({ values }: Scrape): number =>
    values.get('layby_heap_used_ratio{job="layby",instance="a"}') ?? 0
  const recording = new Recording()
  let found = await scrape(layby.opsUrl)
  t.ok(used(found) > 0.3 && used(found) < 0.8, `${used(found)} at the start`)
  recording.add(found)
  recording.hold(12)
  expectFiring(t, recording.series(), 12, [])
  let id = 0
  await until(async () => {
    for (let i = 0; i < 100; i++) {
      await (await fetch(`${layby.url}/customers/${++id}`, { headers: HEADERS })).text()
    }
    found = await scrape(layby.opsUrl)
    return used(found) > 0.81
  })
  recording.add(found)
  recording.hold(12)
  expectFiring(t, recording.series(), 20, [])
  expectFiring(t, recording.series(), 24, ['LaybyMemoryNearLimit'])
})

/** By hand: a control group with a limit needs rights that tests have not, and a heap does not stay where it is put. */
t.test('LaybyMemoryNearLimit fires for the heap and for the control group', (t) => {
  const of = (name: string, value: number): InputSeries => ({
    series: `${name}{job="layby",instance="a"}`,
    values: `${value}x60`,
  })
  const using = (heap: number, resident: number): InputSeries[] => [
    of('up', 1),
    of('layby_heap_used_ratio', heap),
    of('process_resident_memory_bytes', resident * 2 ** 20),
    of('layby_process_memory_limit_bytes', 512 * 2 ** 20),
  ]
  expectFiring(t, using(0.79, 450), 14, [])
  expectFiring(t, using(0.85, 300), 9, [])
  expectFiring(t, using(0.85, 300), 14, ['LaybyMemoryNearLimit'])
  expectFiring(t, using(0.3, 480), 14, ['LaybyMemoryNearLimit'])
  // Garbage that is collected now and then is no leak.
  const saw = { ...of('layby_heap_used_ratio', 0), values: '0.85 0.9 0.5 '.repeat(20) }
  expectFiring(t, [of('up', 1), saw], 14, [])
  t.end()
})
