/** The process as an operator meets it: start, ports, signals, exit codes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { HEADERS } from '../helpers/app.ts'
import { startUpstream } from '../helpers/upstream.ts'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  readonly exited: Promise<number | null>
}

function start(t: Test, environment: Record<string, string>): Running {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [MAIN], { env: { PATH, ...environment } })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      child.emit('output')
    })
  }
  const exited = once(child, 'close').then(([code]) => code as number | null)
  t.teardown(() => void child.kill('SIGKILL'))
  return { child, output: () => text, exited }
}

async function said(running: Running, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = pattern.exec(running.output())
    if (found !== null) return found
    await Promise.race([once(running.child, 'output'), running.exited])
    if (running.child.exitCode !== null) throw new Error(`it ended: ${running.output()}`)
  }
}

const PORTS = { LAYBY_SERVER_PORT: '0', LAYBY_OPS_PORT: '0' }

t.test('the start line names the API by host and port, and by no more', async (t) => {
  const running = start(t, { ...PORTS, LAYBY_UPSTREAM_URL: 'http://127.0.0.1:9/base/path' })
  const [line] = await said(running, /^\{.*"message":"listening".*\}$/m)
  t.equal((JSON.parse(line) as { upstream: string }).upstream, '127.0.0.1:9')
})

t.test('without an upstream it exits with 78 and one clear line', async (t) => {
  const running = start(t, PORTS)
  t.equal(await running.exited, 78)
  t.equal(
    running.output(),
    'layby: configuration: upstream.url: is required: set LAYBY_UPSTREAM_URL to the base URL of the API\n',
  )
})

t.test(
  'a bad configuration is one line with the key and no stack, whatever is wrong',
  async (t) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.teardown(() => void taken.close())
    const port = String((taken.address() as { port: number }).port)
    const url = { LAYBY_UPSTREAM_URL: 'http://127.0.0.1:9' }
    const cases: [Record<string, string>, RegExp][] = [
      [
        { ...url, LAYBY_CACHE_SHARING: 'all' },
        /^layby: configuration: cache\.sharing: .*witnessed/,
      ],
      [
        { ...url, LAYBY_UPSTREAM_CA: '/nowhere/ca.pem' },
        /^layby: configuration: upstream\.ca: can't be read \(ENOENT\)/,
      ],
      [
        { ...url, LAYBY_SERVER_PORT: port },
        new RegExp(
          `^layby: configuration: server\\.port: 127\\.0\\.0\\.1:${port} is taken .*LAYBY_SERVER_PORT`,
        ),
      ],
      [
        { ...url, LAYBY_OPS_PORT: port },
        new RegExp(
          `^layby: configuration: ops\\.port: 127\\.0\\.0\\.1:${port} is taken .*LAYBY_OPS_PORT`,
        ),
      ],
      [
        { ...url, LAYBY_SERVER_HOST: 'nosuch.invalid' },
        /^layby: configuration: server\.host: is a name that does not resolve .*LAYBY_SERVER_HOST/,
      ],
      [
        { ...url, LAYBY_OPS_HOST: '192.0.2.1' },
        /^layby: configuration: ops\.host: is no address of this machine \(EADDRNOTAVAIL\)/,
      ],
      [
        { ...url, LAYBY_SERVER_PROCESSES: '2', LAYBY_SERVER_HOST: 'nosuch.invalid' },
        /^layby: configuration: server\.host: is a name that does not resolve/,
      ],
      [
        { ...url, LAYBY_SERVER_PROCESSES: '2', LAYBY_OPS_HOST: 'nosuch.invalid' },
        /^layby: configuration: ops\.host: is a name that does not resolve/,
      ],
      [
        { ...url, LAYBY_CONFIG: '/nowhere.json' },
        /^layby: configuration: \/nowhere\.json: can't be read/,
      ],
    ]
    for (const [environment, expected] of cases) {
      const running = start(t, { ...PORTS, ...environment })
      t.equal(await running.exited, 78)
      const lines = running
        .output()
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('{'))
      t.equal(lines.length, 1)
      t.match(lines[0], expected)
    }
  },
)

t.test('it serves, says where, and ends with 0 on SIGTERM and on SIGINT', async (t) => {
  const upstream = await startUpstream(t)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const running = start(t, {
      ...PORTS,
      LAYBY_UPSTREAM_URL: upstream.url,
      LAYBY_SERVICE_HOST: 'x',
    })
    const [, url = ''] = await said(running, /"url":"([^"]+)"/)
    const [, opsUrl = ''] = await said(running, /"ops_url":"([^"]+)"/)
    for (const expected of [/fwd=uri-miss; stored/, /hit/]) {
      const reply = await fetch(`${url}/customers/1/`, { headers: HEADERS })
      t.match(reply.headers.get('cache-status'), expected)
      await reply.text()
    }
    t.equal((await fetch(`${opsUrl}/health/ready`)).status, 200)
    t.match(running.output(), /LAYBY_SERVICE_HOST/, 'a variable that no key answers to is named')
    running.child.kill(signal)
    t.equal(await running.exited, 0)
  }
})

t.test('what is still under way at the end of server.drainTimeoutMs is given up', async (t) => {
  const upstream = await startUpstream(t)
  upstream.hold()
  const running = start(t, {
    ...PORTS,
    LAYBY_UPSTREAM_URL: upstream.url,
    LAYBY_SERVER_DRAIN_DELAY_MS: '0',
    LAYBY_SERVER_DRAIN_TIMEOUT_MS: '300',
  })
  const [, url = ''] = await said(running, /"url":"([^"]+)"/)
  const reply = fetch(`${url}/customers/1/`, { headers: HEADERS }).then(
    () => 'answered',
    () => 'broken off',
  )
  await upstream.received(1)
  running.child.kill('SIGTERM')
  t.equal(await reply, 'broken off')
  t.equal(await running.exited, 1)
})
