/** The demo's command line, and its Redis, which Ctrl+C must not end before what uses it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import t from 'tap'
import { parseDemo, USAGE } from '../../../demo/arguments.ts'
import { until } from '../../helpers/until.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../demo/${name}`, import.meta.url))

async function run(...args: string[]) {
  const child = spawn(process.execPath, [file('main.js'), ...args])
  t.teardown(() => child.kill('SIGKILL'))
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    text.out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    text.err += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...text }
}

t.test('help tells what there is, and each option that it names is taken', async (t) => {
  t.match(await run('--help'), { code: 0, out: `${USAGE}\n`, err: '' })
  t.match(await run('-h'), { code: 0, out: `${USAGE}\n` })
  for (const [, option = ''] of USAGE.matchAll(/^ {2}(--[a-z]+)/gm)) {
    t.notMatch(parseDemo(option === '--delay' ? [option, '5'] : [option]), { problem: /./ }, option)
  }
  for (const line of USAGE.split('\n')) t.ok(line.length <= 80, line)
  t.strictSame(parseDemo([]), { delayMs: 150, redis: false, traffic: false })
})

t.test('what is not understood ends with 64 and one line', async (t) => {
  for (const args of [['--nonsense'], ['--delay', 'long'], ['--delay'], ['more']]) {
    t.match(await run(...args), { code: 64, out: '', err: /^demo: [^\n]+--help[^\n]+\n$/ })
  }
})

t.test('Ctrl+C leaves the Redis of the demo to the demo, which ends it', async (t) => {
  const script = `
    import { provideRedis } from ${JSON.stringify(file('redis-server.js'))}
    process.on('SIGINT', () => console.log('heard'))
    process.on('SIGTERM', () => process.exit(0))
    const { url } = await provideRedis('')
    console.log(url)
    setInterval(() => {}, 1000)`
  // A process group of its own, as a terminal gives to what runs in it.
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const group = -(child.pid as number)
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const url = String((await lines.next()).value)
  const redis = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0 })
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  t.equal(await redis.ping(), 'PONG')
  process.kill(group, 'SIGINT')
  t.equal((await lines.next()).value, 'heard')
  t.equal(await redis.ping(), 'PONG', 'it runs on')
  const closed = once(redis, 'close')
  process.kill(group, 'SIGTERM')
  await closed
  await until(() => redis.status === 'end', 'the end of Redis')
})
