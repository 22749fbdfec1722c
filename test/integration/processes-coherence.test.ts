/** Three processes on one port: once a write is answered, none of them shows what was before (reliability C1, F37, F38). */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startProcessRun } from '../coherence/process-run.ts'
import { until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { untracked } from '../helpers/untracked.ts'

/** News is heard late, so that whoever does not wait for it is found out. Milliseconds. */
const HEARS_LATE = 20

t.setTimeout(600_000)

t.test(
  'no read is older than an answered write, also when workers die and are stopped',
  async (t) => {
    await untracked(t)
    const run = await startProcessRun(t, { hearsLate: HEARS_LATE, waitsForNobody: false })
    await until(() => run.hits() > 50 && run.writes() > 5)
    t.same(run.failures, [], 'every request is answered as long as nothing happens')
    const before = await run.pids()
    process.kill(before[0] as number, 'SIGKILL')
    await until(async () => (await run.pids()).filter((pid) => pid !== before[0]).length === 3)
    await run.allListen()
    const stopped = (await run.pids())[1] as number
    process.kill(stopped, 'SIGSTOP')
    const written = run.writes()
    run.writeTimes.splice(0)
    await delay(3_000)
    t.ok(run.writes() > written, 'writes through the others go on')
    t.ok(Math.max(...run.writeTimes) < 2_500, 'and wait for it once')
    t.ok(
      run.writeTimes.some((ms) => ms > 300),
      'since until then it might have served',
    )
    process.kill(stopped, 'SIGCONT')
    const hits = run.hits()
    await until(() => run.hits() > hits + 100)
    t.ok((await run.pids()).includes(stopped), 'it has not been replaced')
    await run.finish()
    const { reads, hits: hit, writes, failures } = run
    t.comment(`${reads()} reads, ${hit()} hits, ${writes()} writes, ${failures.length} lost`)
    t.same(run.violations.slice(0, 5), [])
    t.ok(failures.length <= run.connections, 'the killed worker lost what was under way')
  },
)

t.test('a mutant is caught that does not wait for the others to have heard', async (t) => {
  await untracked(t)
  const run = await startProcessRun(t, { hearsLate: HEARS_LATE, waitsForNobody: true })
  await until(() => run.violations.length > 0)
  t.ok(run.violations.length > 0)
  await run.finish()
})

t.test('with Redis each process is an instance like any other', async (t) => {
  await untracked(t)
  const redis = await startRedis(t)
  const run = await startProcessRun(
    t,
    { hearsLate: 0, waitsForNobody: false },
    { redis: { url: redis.url }, secret: 'a secret for tests only, 32 long and more' },
  )
  const tells = async (line: RegExp): Promise<boolean> =>
    line.test(await (await fetch(`${run.opsUrl}/metrics`)).text())
  await until(() => tells(/^layby_bus_live 1$/m))
  await until(() => run.hits() > 100 && run.writes() > 10)
  await run.finish()
  t.same(run.failures, [])
  t.ok(
    await tells(/^layby_requests_total\{outcome="hit",tier="redis"/m),
    'one fills for the others',
  )
  const tooLate = run.violations.filter(({ lateByMs }) => lateByMs > 2_000)
  t.same(tooLate, [], 'what is between instances is bounded by the bus')
})
