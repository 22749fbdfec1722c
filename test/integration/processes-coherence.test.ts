/** Three processes on one port: once a write is answered, none of them shows what was before (reliability C1, F37, F38). */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startProcessRun } from '../coherence/process-run.ts'
import { until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'

const SOUND = { hearsLate: 0, waitsForNobody: false }

t.setTimeout(120_000)

t.test(
  'no read is older than an answered write, also when workers die and are stopped',
  async (t) => {
    const run = await startProcessRun(t, SOUND)
    await delay(1_500)
    t.same(run.failures, [], 'every request is answered as long as nothing happens')
    const before = await run.pids()
    process.kill(before[0] as number, 'SIGKILL')
    await until(async () => (await run.pids()).filter((pid) => pid !== before[0]).length === 3)
    await delay(500)
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
    await delay(1_500)
    t.same((await run.pids()).includes(stopped), true, 'it has not been replaced')
    await run.finish()
    t.comment(
      `${run.reads()} reads, ${run.hits()} hits, ${run.writes()} writes, ${run.failures.length} lost`,
    )
    t.same(run.violations.slice(0, 5), [])
    t.ok(run.hits() > run.reads() / 10, 'a good part came from memory')
    t.ok(
      run.failures.length <= 18,
      'the killed worker lost what was on its connections and no more',
    )
  },
)

t.test('workers that hear late are waited for', async (t) => {
  const run = await startProcessRun(t, { ...SOUND, hearsLate: 40 })
  await delay(2_000)
  await run.finish()
  t.same(run.violations.slice(0, 5), [])
  t.ok(run.hits() > 100)
})

t.test('a mutant is caught that does not wait for the others to have heard', async (t) => {
  const run = await startProcessRun(t, { hearsLate: 40, waitsForNobody: true })
  await until(() => run.violations.length > 0)
  await run.finish()
  t.ok(run.violations.length > 0)
})

t.test('with Redis each process is an instance like any other', async (t) => {
  const redis = await startRedis(t)
  const run = await startProcessRun(t, SOUND, {
    redis: { url: redis.url },
    secret: 'a secret for tests only, 32 long and more',
  })
  const hears = async (): Promise<boolean> =>
    /^bus_live 1$/m.test(await (await fetch(`${run.opsUrl}/metrics`)).text())
  await until(hears)
  await delay(1_500)
  await run.finish()
  t.same(run.failures, [])
  t.ok(run.hits() > 100 && run.writes() > 10)
  // The bound between instances is 500 ms, not 0: what is left behind is a matter of `coherence.test.ts`.
  const { url } = run
  t.match(url, /^http/)
})
