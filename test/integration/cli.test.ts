/** Commands as an operator runs them: real processes against a real Layby. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { bareNode } from '../helpers/bare-node.ts'
import { freePort } from '../helpers/free-port.ts'
import { startUpstream } from '../helpers/upstream.ts'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const TOKEN = 'an-admin-token-for-tests'
const CLIENT_TOKEN = 'token-one.aaaa'

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function layby(
  t: Test,
  args: readonly string[],
  environment: Record<string, string> = {},
  input = '',
): Promise<Ended> {
  const { PATH = '' } = process.env
  const child = spawn('env', bareNode([MAIN, ...args]), { env: { PATH, ...environment } })
  t.teardown(() => void child.kill('SIGKILL'))
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  child.stdin.on('error', () => {}).end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

async function startLayby(t: Test) {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: { adminToken: TOKEN } })
  const ask = (args: readonly string[], input?: string) =>
    layby(t, [...args, '--url', app.opsUrl], { LAYBY_OPS_ADMIN_TOKEN: TOKEN }, input)
  return { upstream, app, ask }
}

interface Stub {
  readonly status: number
  readonly body?: string
  readonly headers?: Record<string, string>
  /** What `GET /` is answered with; null: the same as all else. */
  readonly root?: string | null
}

const OPERATIONS = '{"service": "layby", "listener": "operations"}'

/** Answers everything in one way, but for `GET /` where it is to pass for an operations listener. */
async function startStub(
  t: Test,
  { status, body = '', headers = {}, root = OPERATIONS }: Stub,
): Promise<{ readonly url: string; readonly seen: (string | undefined)[] }> {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization)
    if (request.url === '/' && root !== null) response.end(root)
    else response.writeHead(status, headers).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

t.test('a customer that was purged is asked of the API again', async (t) => {
  const { upstream, app, ask } = await startLayby(t)
  await app.get('/customers/5')
  await app.get('/customers/5')
  t.equal(upstream.requests.length, 1)
  const { code, out, err } = await ask(['purge', '--tenant', '7', '--customer', '5'])
  t.equal(code, 0, err)
  t.match(out, /^Purged: customer 5 of tenant 7\.\n1 of 1 instance has applied it/)
  await app.get('/customers/5')
  t.equal(upstream.requests.length, 2)
})

t.test('a whole tenant is purged only if that is said twice', async (t) => {
  const { upstream, app, ask } = await startLayby(t)
  await app.get('/customers/5')
  t.equal((await ask(['purge', '--tenant', '7', '--all'])).code, 64)
  await app.get('/customers/5')
  t.equal(upstream.requests.length, 1)
  const { code, out } = await ask(['purge', '--tenant', '7', '--all', '--yes', '--json'])
  t.equal(code, 0)
  t.match(JSON.parse(out), { instancesAcked: 1, instancesKnown: 1 })
  await app.get('/customers/5')
  t.equal(upstream.requests.length, 2)
})

t.test('a credential is purged by its token, which is repeated nowhere', async (t) => {
  const { upstream, app, ask } = await startLayby(t)
  await app.get('/customers/5')
  const { code, out, err } = await ask(['purge', '--token-stdin'], `${CLIENT_TOKEN}\n`)
  t.equal(code, 0, err)
  t.match(out, /^Purged: what was given to credential [\w-]{20,}\./)
  t.notMatch(out + err + app.logged(), CLIENT_TOKEN)
  await app.get('/customers/5')
  t.equal(upstream.requests.length, 2)
  const refusals: [string, RegExp][] = [
    ['', /nothing came/],
    [`Bearer ${CLIENT_TOKEN}`, /without the word Bearer/],
    ['two\nlines', /one line/],
    ['x'.repeat(5_000), /more than 4096 bytes/],
  ]
  for (const [input, expected] of refusals) {
    const refused = await ask(['purge', '--token-stdin'], input)
    t.equal(refused.code, 64)
    t.match(refused.err, expected)
    t.notMatch(refused.err, CLIENT_TOKEN)
  }
})

t.test('tenants are listed with what they miss by', async (t) => {
  const { app, ask } = await startLayby(t)
  await app.get('/customers/5')
  await app.get('/customers/5')
  await app.get('/customers/5', { headers: { 'x-tenant-id': '8' } })
  const { code, out, err } = await ask(['tenants', '--sort', 'requests'])
  t.equal(code, 0, err)
  const [, first, second] = out.split('\n')
  t.match(first, /^7 +2 +1 +50\.0% +1 +uri-miss 1$/)
  t.match(second, /^8 +1 +0 +0\.0% +1 +uri-miss 1$/)
})

t.test(
  'one screen shows what the metrics count, without colours where nobody could see them',
  async (t) => {
    const { app, ask } = await startLayby(t)
    await app.get('/customers/5')
    await app.get('/customers/5')
    await app.get('/customers/07')
    for (const args of [['top', '--once'], ['top']]) {
      const { code, out, err } = await ask(args)
      t.equal(code, 0, err)
      t.match(out, /^layby {2}http:.*ready/)
      t.match(out, /^HIT RATIO +50\.0%/m)
      t.match(out, /^REQUESTS +3 +reads 2 +refused 1/m)
      t.match(out, /^7 +2 +50\.0%/m)
      t.notOk(out.includes('\u001b'))
      for (const line of out.split('\n')) t.ok(line.length <= 80, line)
    }
  },
)

t.test('what the next read would get is foretold, and is what it gets', async (t) => {
  const { app, ask } = await startLayby(t)
  const version = HEADERS['x-api-version']
  const question = ['--tenant', '7', '--customer', '5', '--version', version]
  const explain = (more: readonly string[] = []) =>
    ask(['explain', ...question, '--token-stdin', ...more], CLIENT_TOKEN)
  const statusOfRead = async () => (await app.get('/customers/5')).headers['cache-status']
  const before = await explain()
  t.equal(before.code, 0, before.err)
  t.match(before.out, /^NEXT READ +the API is asked: layby; fwd=uri-miss; stored; ttl=(299|300)$/m)
  t.match(before.out, /^ {2}- grant: none here$/m)
  t.equal(await statusOfRead(), 'layby; fwd=uri-miss; stored; ttl=300')
  const after = await explain()
  t.match(after.out, /^NEXT READ +from the cache: layby; hit; ttl=300; detail=memory$/m)
  t.match(after.out, /^ {2}- representation: 0 s old, fresh for 5 min/m)
  t.match(after.out, /^subject +holds +\S+ +grant$/m)
  t.equal(await statusOfRead(), 'layby; hit; ttl=300; detail=memory')
  for (const line of after.out.split('\n')) t.ok(line.length <= 80, line)
  const raw = JSON.parse((await explain(['--json'])).out) as object
  t.match(raw, { prediction: { cacheStatus: 'layby; hit; ttl=300; detail=memory' } })
  t.notMatch(before.out + after.out + app.logged(), CLIENT_TOKEN)
  const [, credential = ''] = /^Credential (\S+)$/m.exec(after.out) ?? []
  const byHash = await ask(['explain', ...question, '--credential', credential])
  t.equal(byHash.out, after.out)
  t.match(await ask(['explain', ...question]), { code: 64, out: '' })
  const other = ['explain', '--tenant', '7', '--customer', '5', '--version', '1']
  t.match(await ask([...other, '--credential', credential]), { code: 1, err: /refused \(400\)/ })
})

t.test('what goes wrong is one line that says what to look at, and a code', async (t) => {
  const { app } = await startLayby(t)
  const plain = await buildTestApp(t, app.url)
  const held = createServer(() => {}).listen(0, '127.0.0.1')
  await once(held, 'listening')
  t.teardown(() => void held.close())
  const port = String((held.address() as AddressInfo).port)
  const free = String(await freePort())
  const page = await startStub(t, { status: 200, body: '<html>' })
  const hostile = await startStub(t, { status: 400, body: '{"detail": "\\u001b[2Jno\\nway"}' })
  const away = await startStub(t, { status: 302, headers: { location: page.url } })
  const token = { LAYBY_OPS_ADMIN_TOKEN: TOKEN }
  const cases: [string[], Record<string, string>, number, RegExp][] = [
    [['--url', app.opsUrl], {}, 78, /ops\.adminToken: is required/],
    [['--url', app.opsUrl], { LAYBY_OPS_ADMIN_TOKEN: 'another-token-of-16' }, 1, /\(401\)/],
    [['--url', plain.opsUrl], token, 1, /no \/admin\/tenants \(404\).*ops\.adminToken/],
    [['--url', page.url], token, 1, /does not understand/],
    [['--url', hostile.url], token, 1, /refused \(400\): \[2Jno way/],
    [['--url', away.url], token, 1, /refused \(302\)/],
    [[], { ...token, LAYBY_OPS_PORT: free }, 69, /nothing listens there.*ECONNREFUSED/],
    [['--timeout-ms', '50'], { ...token, LAYBY_OPS_PORT: port }, 69, /no answer within 50 ms/],
    [[], { ...token, LAYBY_OPS_PORT: '0' }, 64, /--url/],
    [[], { ...token, LAYBY_OPS_PORT: 'x' }, 78, /configuration: ops\.port/],
    [[], { LAYBY_OPS_ADMIN_TOKEN: 'töken-of-16-and-more' }, 78, /ops\.adminToken/],
  ]
  for (const [args, environment, code, expected] of cases) {
    const ended = await layby(t, ['tenants', ...args], environment)
    t.equal(ended.code, code, ended.err)
    t.match(ended.err, /^layby: [^\n]+\n$/)
    t.match(ended.err, expected)
    t.equal(ended.out, '')
    t.notMatch(ended.err, /token-of-16|an-admin-token/)
    t.notOk(ended.err.includes('\u001b'), 'no escape sequence of the other side')
  }
  const unseen = await layby(t, ['top', '--once', '--url', page.url], token)
  t.match(unseen, { code: 1, out: '', err: /does not understand/ })
  const [asked, sent, ...others] = page.seen
  t.strictSame([asked, ...others], [undefined, undefined], 'what needs no token is sent none')
  t.equal(sent, `Bearer ${TOKEN}`, 'a redirect is not followed with the token')
})

t.test('a token is sent to an operations port, and to nothing else', async (t) => {
  const { app, upstream } = await startLayby(t)
  const url = 'urn:layby:problem:'
  const [html, other, missing, away, passed, problem] = await Promise.all([
    startStub(t, { status: 200, body: '<html>', root: null }),
    startStub(t, { status: 200, body: '{"service": "other"}', root: null }),
    startStub(t, { status: 404, body: '{"status":404}', root: null }),
    startStub(t, { status: 302, headers: { location: app.opsUrl }, root: null }),
    startStub(t, {
      status: 200,
      headers: { 'cache-status': 'a; hit, layby; fwd=bypass' },
      root: null,
    }),
    startStub(t, { status: 401, body: `{"type": "${url}missing-credentials"}`, root: null }),
  ])
  const unknown = /does not answer as the operations port .*was sent no token/
  const isPublic = /is the public port of a Layby, and was sent no token.*--url/
  const token = { LAYBY_OPS_ADMIN_TOKEN: TOKEN }
  const commands: [string[], string?][] = [
    [['tenants']],
    [['purge', '--tenant', '7', '--customer', '5']],
    [['purge', '--token-stdin'], CLIENT_TOKEN],
    [['explain', '--tenant', '7', '--customer', '5', '--token-stdin'], CLIENT_TOKEN],
  ]
  for (const [args, input] of commands) {
    const ended = await layby(t, [...args, '--url', app.url], token, input)
    t.match(ended, { code: 1, out: '', err: isPublic }, args.join(' '))
  }
  t.match(await layby(t, ['top', '--once', '--url', app.url]), { code: 1, err: isPublic })
  t.strictSame(upstream.requests, [], 'nothing reached the API')
  for (const [stub, expected] of [
    [html, unknown],
    [other, unknown],
    [missing, unknown],
    [away, unknown],
    [passed, isPublic],
    [problem, isPublic],
  ] as const) {
    t.match(await layby(t, ['tenants', '--url', stub.url], token), { code: 1, err: expected })
    t.strictSame(stub.seen, [undefined])
  }
})

t.test('the configuration is checked as a start would', async (t) => {
  const url = { LAYBY_UPSTREAM_URL: 'http://127.0.0.1:9' }
  const good = await layby(t, ['check-config'], url)
  t.equal(good.code, 0)
  t.match(good.out, /^upstream\.url +http:\/\/127\.0\.0\.1:9 +LAYBY_UPSTREAM_URL$/m)
  const bad = await layby(t, ['check-config', '--json'])
  t.equal(bad.code, 78)
  t.match(JSON.parse(bad.out), { valid: false, key: 'upstream.url' })
  t.match(bad.err, /^layby: configuration: upstream\.url: is required[^\n]*\n$/)
  const unreadable = await layby(t, ['check-config'], { ...url, LAYBY_UPSTREAM_CA: '/nowhere' })
  t.equal(unreadable.code, 78)
  t.equal(
    unreadable.err,
    "layby: configuration: upstream.ca: can't be read (ENOENT)\n",
    'files are read',
  )
  const folder = mkdtempSync(join(tmpdir(), 'layby-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const noCertificate = join(folder, 'ca.pem')
  writeFileSync(noCertificate, 'no certificate')
  const redis = { LAYBY_REDIS_URL: 'rediss://h:1', LAYBY_SECRET: 'x'.repeat(32) }
  const cases: [Record<string, string>, RegExp][] = [
    [{ LAYBY_UPSTREAM_CA: noCertificate }, /upstream\.ca: holds no certificate/],
    [{ ...redis, LAYBY_REDIS_CA: noCertificate }, /redis\.ca: holds no certificate/],
    [{ LAYBY_SERVER_HOST: 'nosuch.invalid' }, /server\.host: is a name that does not resolve/],
    [{ LAYBY_OPS_HOST: '192.0.2.1' }, /ops\.host: is no address of this machine/],
  ]
  for (const [environment, expected] of cases) {
    const ended = await layby(t, ['check-config'], { ...url, ...environment })
    t.match(ended, { code: 78, out: '', err: expected })
  }
  const app = await buildTestApp(t, url.LAYBY_UPSTREAM_URL)
  const [port = '', ops = ''] = [app.url, app.opsUrl].map((each) => new URL(each).port)
  const taken = { LAYBY_SERVER_PORT: port, LAYBY_OPS_PORT: ops }
  t.equal((await layby(t, ['check-config'], { ...url, ...taken })).code, 0, 'beside one that runs')
})

t.test('usage, help and version have their codes', async (t) => {
  t.match(await layby(t, ['--version']), { code: 0, out: /^\d+\.\d+\.\d+\n$/, err: '' })
  t.match(await layby(t, ['help', 'purge']), { code: 0, out: /^Usage: layby purge/, err: '' })
  t.match(await layby(t, ['nothing']), { code: 64, out: '', err: /^layby: unknown command/ })
  t.match(await layby(t, ['serve']), { code: 78, out: '', err: /upstream\.url: is required/ })
})
