/** Signals as a supervisor, a container or a log rotation sends them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { HEADERS } from '../helpers/app.ts'
import { freePort } from '../helpers/free-port.ts'
import { MAIN, startLayby } from '../helpers/layby-process.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'

/** Says when somebody listens for SIGTERM for the first time, and how many modules were loaded by then. */
const TELLS_WHEN_HEARD = `
  import { createRequire } from 'node:module'
  import { writeSync } from 'node:fs'
  const loaded = createRequire('file:///none.js').cache
  process.on('newListener', function told(name) {
    if (name !== 'SIGTERM') return
    process.off('newListener', told)
    writeSync(2, 'heard after ' + Object.keys(loaded).length + ' modules\\n')
  })`
const preload = `--import=data:text/javascript,${encodeURIComponent(TELLS_WHEN_HEARD)}`

const pidsOf = (output: string): number[] =>
  [...output.matchAll(/"process\.pid":([0-9]+)/g)].map(([, pid]) => Number(pid))

t.test(
  'SIGTERM is heard before anything large is loaded, and ends what has not begun',
  async (t) => {
    const { PATH = '' } = process.env
    const variables = [
      'LAYBY_UPSTREAM_URL=http://127.0.0.1:9',
      'LAYBY_SERVER_PORT=0',
      'LAYBY_OPS_PORT=0',
    ]
    const args = ['-i', `PATH=${PATH}`, ...variables, process.execPath, preload, MAIN]
    const child = spawn('env', args)
    t.teardown(() => child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    const [heard] = (await once(child.stderr, 'data')) as [Buffer]
    t.equal(String(heard), 'heard after 0 modules\n')
    child.kill('SIGTERM')
    t.strictSame(await exited, [0, null])
    t.equal(output, '', 'it never listened')
  },
)

for (const processes of ['1', '2']) {
  t.test(`SIGHUP is ignored and logged, with ${processes} of server.processes`, async (t) => {
    const upstream = await startUpstream(t)
    const environment = { LAYBY_SERVER_PROCESSES: processes }
    const layby = await startLayby(t, upstream.url, { environment })
    const answers = async (): Promise<number> =>
      (await fetch(`${layby.url}/customers/1`, { headers: HEADERS })).status
    for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGHUP'] as const) {
      layby.child.kill(signal)
      const line = new RegExp(`"signal":"${signal}"[^\\n]*"message":"signal ignored"`)
      await until(() => line.test(layby.output()), `a line about ${signal}`)
    }
    t.equal(await answers(), 200)
    // The second worker begins after the first; before it has a log it ignores the signal in silence.
    const workers = processes === '1' ? 0 : Number(processes)
    await until(async () => {
      for (const pid of await workersOf(layby.child.pid as number)) process.kill(pid, 'SIGHUP')
      return new Set(pidsOf(layby.output())).size === workers
    }, 'a line of each worker')
    t.equal(await answers(), 200)
    t.notMatch(layby.output(), 'a worker has ended')
    t.equal(await layby.end(), 0)
    t.match(layby.output(), /"signal":"SIGTERM"[^\n]*"message":"stopping"/)
  })
}

async function workersOf(pid: number): Promise<number[]> {
  const child = spawn('pgrep', ['-P', String(pid)])
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk
  })
  await once(child, 'close')
  return text.split('\n').filter(Boolean).map(Number)
}

t.test('Ctrl+C that comes twice drains as once', async (t) => {
  const upstream = await startUpstream(t)
  const layby = await startLayby(t, upstream.url)
  upstream.hold()
  const answer = fetch(`${layby.url}/customers/1`, { headers: HEADERS })
  await upstream.received(1)
  layby.child.kill('SIGINT')
  await until(() => /"message":"stopping"/.test(layby.output()), 'that it leaves')
  layby.child.kill('SIGINT')
  // Whatever the second comes to has come to it by the time that a health check is answered.
  t.equal((await fetch(`${layby.opsUrl}/health/ready`)).status, 503)
  upstream.release()
  t.equal((await answer).status, 200)
  t.equal(await layby.end(), 0)
})

/** Requests that are refused, each with a line in the log; resolves when all are answered. */
async function refusals(t: Test, port: number, count: number): Promise<void> {
  const request = 'GET /customers/1 HTTP/1.1\r\nHost: a\r\n\r\n'
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  let text = ''
  let answered = 0
  let asked = 0
  const ask = (): void => {
    const next = Math.min(50, count - asked)
    asked += next
    socket.write(request.repeat(next))
  }
  ask()
  for await (const chunk of socket) {
    text += (chunk as Buffer).toString('latin1')
    const parts = text.split('HTTP/1.1 401')
    answered += parts.length - 1
    text = parts.at(-1)?.slice(-20) ?? ''
    if (answered === count) return
    if (answered === asked) ask()
  }
}

const DROPPED = /^layby_log_lines_dropped_total ([0-9]+)$/m

for (const goesOn of [true, false]) {
  const end = goesOn ? 'goes on, and says what it has lost' : 'ends in time all the same'
  t.test(`a process whose log is not read answers, and ${end}`, async (t) => {
    const [port, opsPort] = [await freePort(), await freePort()]
    const upstream = await startUpstream(t)
    const environment = { LAYBY_SERVER_PORT: String(port), LAYBY_OPS_PORT: String(opsPort) }
    const layby = await startLayby(t, upstream.url, { environment })
    const dropped = async (): Promise<number> => {
      const text = await (await fetch(`${layby.opsUrl}/metrics`)).text()
      return Number(DROPPED.exec(text)?.[1])
    }
    t.equal(await dropped(), 0)
    layby.child.stdout?.pause()
    await until(async () => {
      await refusals(t, port, 2_000)
      return (await dropped()) > 0
    }, 'that lines are dropped')
    t.equal((await fetch(`${layby.opsUrl}/health/live`)).status, 200)
    if (goesOn) {
      layby.child.stdout?.resume()
      const line = /"log\.dropped_lines":([0-9]+)[^\n]*"message":"log lines dropped"/
      await until(() => line.test(layby.output()), 'a line about it')
      t.equal(Number(line.exec(layby.output())?.[1]), await dropped())
    }
    t.equal(await layby.end(), 0)
  })
}
