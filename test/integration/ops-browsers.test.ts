/**
 * The operations listener and pages in an operator's browser: by DNS rebinding, or from another site, none of them gets
 * anything, of one process and of several. What is no browser is answered as ever.
 */
import { once } from 'node:events'
import { get, type IncomingMessage, request } from 'node:http'
import t, { type Test } from 'tap'
import { ADMIN_TOKEN } from '../helpers/admin.ts'
import { buildTestApp } from '../helpers/app.ts'
import { startLayby } from '../helpers/layby-process.ts'
import { startUpstream } from '../helpers/upstream.ts'

interface Answer {
  readonly status: number | undefined
  readonly text: string
}

async function ask(
  url: string,
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<Answer> {
  const asked = request(url + path, { method, headers, agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, text }
}

const PATHS = [
  '/metrics',
  '/dashboard',
  '/dashboard/snapshot',
  '/dashboard/events',
  '/health/live',
  '/admin/tenants',
  '/none',
]
const OPERATOR = { authorization: `Bearer ${ADMIN_TOKEN}` }

async function checkPages(t: Test, url: string): Promise<void> {
  const { port } = new URL(url)
  for (const path of PATHS) {
    const rebound = await ask(url, path, {
      ...OPERATOR,
      host: `evil.example:${port}`,
      'sec-fetch-site': 'same-origin',
    })
    t.equal(rebound.status, 421, path)
    t.match(JSON.parse(rebound.text), {
      status: 421,
      code: 'host_not_allowed',
      detail: /ops\.hosts/,
    })
    t.notMatch(rebound.text, /evil/)
    for (const site of ['cross-site', 'same-site']) {
      const foreign = await ask(url, path, { ...OPERATOR, 'sec-fetch-site': site })
      t.equal(foreign.status, 403, path)
      t.match(JSON.parse(foreign.text), { code: 'foreign_page', detail: /sec-fetch-site/ })
    }
  }
  for (const method of ['POST', 'OPTIONS', 'HEAD']) {
    t.equal(
      (await ask(url, '/admin/purge', { 'sec-fetch-site': 'cross-site' }, method)).status,
      403,
    )
  }
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, '127.3.2.1']) {
    for (const path of ['/metrics', '/health/ready', '/dashboard/snapshot']) {
      t.equal((await ask(url, path, { host })).status, 200, `${host} ${path}`)
    }
    t.equal((await ask(url, '/admin/tenants', { ...OPERATOR, host })).status, 200)
  }
}

/** Thirty-two listeners that bring no token, then one that does, then another that does not. */
async function checkStreams(t: Test, url: string): Promise<void> {
  const listen = async (headers = {}): Promise<IncomingMessage> => {
    const [response] = await once(
      get(`${url}/dashboard/events`, { headers, agent: false }),
      'response',
    )
    t.teardown(() => response.destroy())
    return response.resume()
  }
  const foreign: IncomingMessage[] = []
  for (let i = 0; i < 32; i++) foreign.push(await listen())
  const ended = foreign.map((one) => once(one, 'end'))
  const operator = await listen(OPERATOR)
  t.equal(operator.statusCode, 200)
  await ended[0]
  for (let i = 0; i < 40; i++)
    t.equal((await listen({ authorization: 'Bearer another-token-0123' })).statusCode, 200)
  await Promise.all(ended)
  t.equal(operator.readableEnded, false, 'who brought the token keeps the place')
  t.equal(operator.destroyed, false)
}

t.test('no page from elsewhere gets anything from an instance of one process', async (t) => {
  const upstream = await startUpstream(t)
  const { opsUrl } = await buildTestApp(t, upstream.url, { ops: { adminToken: ADMIN_TOKEN } })
  await checkPages(t, opsUrl)
  await checkStreams(t, opsUrl)
})

t.test('no page from elsewhere gets anything from an instance of several processes', async (t) => {
  const upstream = await startUpstream(t)
  const environment = { LAYBY_SERVER_PROCESSES: '2', LAYBY_OPS_ADMIN_TOKEN: ADMIN_TOKEN }
  const { opsUrl } = await startLayby(t, upstream.url, { environment })
  await checkPages(t, opsUrl)
  await checkStreams(t, opsUrl)
})

t.test('a name in ops.hosts is answered, by one process and by several', async (t) => {
  const upstream = await startUpstream(t)
  for (const LAYBY_SERVER_PROCESSES of ['1', '2']) {
    const environment = {
      LAYBY_SERVER_PROCESSES,
      LAYBY_OPS_HOSTS: 'layby.internal, ops.example',
      LAYBY_OPS_ADMIN_TOKEN: ADMIN_TOKEN,
    }
    const { opsUrl } = await startLayby(t, upstream.url, { environment })
    for (const path of ['/metrics', '/admin/tenants', '/dashboard/snapshot']) {
      t.equal((await ask(opsUrl, path, { ...OPERATOR, host: 'ops.example:9003' })).status, 200)
      t.equal((await ask(opsUrl, path, { ...OPERATOR, host: 'other.example' })).status, 421)
    }
  }
})

t.test(
  'beyond loopback, Prometheus, kubelet and curl are answered by address and by name',
  async (t) => {
    const upstream = await startUpstream(t)
    for (const host of ['0.0.0.0', '::']) {
      const { opsUrl } = await buildTestApp(t, upstream.url, { ops: { host } })
      const url = opsUrl.replace('0.0.0.0', '127.0.0.1').replace('[::]', '[::1]')
      for (const name of ['10.1.2.3:9003', '[fd00::5]:9003', 'layby-ops.monitoring.svc:9003']) {
        for (const path of ['/metrics', '/health/ready']) {
          t.equal((await ask(url, path, { host: name })).status, 200, `${name} ${path}`)
        }
      }
      t.equal((await ask(url, '/metrics', { 'sec-fetch-site': 'cross-site' })).status, 403)
    }
  },
)
