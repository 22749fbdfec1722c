/**
 * No two parties disagree on where a request ends (reliability S6, S7): the corpus, then seeded mutations of
 * it, each followed by a plain request on the same connection. `DESYNC_MUTATIONS` sets how many; 50,000 for
 * a release. The invariant: what the upstream sees is what was answered, once each, in order, with nothing
 * but allowed headers, and nothing is answered after a refusal that ended the connection.
 */
import { connect } from 'node:net'
import t from 'tap'
import { seededRandom } from '../../demo/data.ts'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import { desyncCorpus, message, SMUGGLED_PATH } from '../helpers/desync-corpus.ts'
import { parseReplies } from '../helpers/raw-socket.ts'
import { untracked } from '../helpers/untracked.ts'
import {
  type Received,
  type ScriptedUpstream,
  sendJson,
  startUpstream,
} from '../helpers/upstream.ts'

const MUTATIONS = Number(process.env['DESYNC_MUTATIONS'] ?? 3_000)
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const ALLOWED =
  /^(host|connection|accept|accept-encoding|accept-language|access-control-request-(headers|method)|authorization|cache-control|content-length|content-type|idempotency-key|if-.*|origin|prefer|range|traceparent|tracestate|user-agent|x-api-version|x-tenant-id|x-request-id|via|transfer-encoding|pragma)$/

interface Stage {
  readonly app: TestApp
  readonly upstream: ScriptedUpstream
}

/** Writes all, half-closes after a while, and gives what came back until the other side ended. */
function converse(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    let text = ''
    const enough = (): void => {
      if (/x-sentinel-over/.test(text)) socket.end()
    }
    const patience = setTimeout(() => socket.end(), 60)
    const limit = setTimeout(() => socket.destroy(), 5_000)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      enough()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(patience)
      clearTimeout(limit)
      resolve(text)
    })
    socket.on('end', () => socket.end())
    socket.write(Buffer.from(bytes, 'latin1'))
  })
}

const idOf = (received: Received): string => String(received.headers['x-request-id'])

/** What is wrong with one conversation; null: nothing. */
async function judge({ app, upstream }: Stage, n: number, bytes: string): Promise<string | null> {
  const sentBefore = upstream.requests.length
  const sentinel = message(`GET /sentinel/${n} HTTP/1.1`, ['Connection: close'])
  const text = await converse(app.url, bytes + sentinel)
  const replies = parseReplies(text)
  const seen = upstream.requests.slice(sentBefore)
  const strange = await untold(app, seen)
  if (strange !== undefined) return `the upstream saw what was not told: ${strange.url}`
  if (new Set(seen.map(idOf)).size !== seen.length) return 'the upstream saw a request twice'
  const names = seen.flatMap(({ rawHeaders }) => rawHeaders.filter((_, i) => i % 2 === 0))
  const odd = names.find((name) => !ALLOWED.test(name.toLowerCase()))
  if (odd !== undefined) return `header ${odd} reached the upstream`
  const closedAt = replies.findIndex(({ headers }) => headers.get('connection') === 'close')
  if (closedAt !== -1 && closedAt !== replies.length - 1) return 'answered after the end'
  const order = replies.map(({ headers }) => headers.get('x-request-id'))
  // A refusal is told at once, what passes through when its answer is out: only the ids can be compared.
  const told = new Set(app.reports.slice(-200).map(({ requestId }) => requestId))
  if (!order.every((id, i) => told.has(String(id)) && order.indexOf(id) === i)) {
    return `answers that were not told: ${order}`
  }
  return null
}

/**
 * A request that nobody tells of, though there was time: on a busy machine the client may have given up before
 * the answer was there.
 */
async function untold(app: TestApp, seen: readonly Received[]): Promise<Received | undefined> {
  for (let ms = 0; ms < 5_000; ms += 10) {
    const told = new Set(app.reports.slice(-200).map(({ requestId }) => requestId))
    const missing = seen.find((one) => !told.has(idOf(one)))
    if (missing === undefined) return undefined
    if (ms === 4_990) return missing
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return undefined
}

async function stage(t: Parameters<typeof startUpstream>[0]): Promise<Stage> {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, '{"id": 1, "parent_id": null}'),
  )
  return { app: await buildTestApp(t, upstream.url), upstream }
}

/**
 * What follows content that is framed beyond doubt is no hidden request but the next one. An underscore makes
 * another name: it frames nothing, and does not go upstream.
 */
const HONEST =
  /^coding and a hidden request: Transfer-Encoding:[\t ]*chunked ?$|^whole chunks|Transfer_Encoding|^(?:on a read: )?length "(0|00|0 | 0|0\t)"$/i

t.setTimeout(900_000)
t.test('the corpus: each is refused, or read by all alike', async (t) => {
  const set = await stage(t)
  let n = 0
  const wrong: string[] = []
  for (const [name, bytes] of desyncCorpus()) {
    const before = set.upstream.requests.length
    const problem = await judge(set, n++, bytes)
    if (problem !== null) wrong.push(`${name}: ${problem}`)
    const smuggled = set.upstream.requests.slice(before).some(({ url }) => url === SMUGGLED_PATH)
    if (smuggled && !HONEST.test(name)) wrong.push(`${name}: a hidden request got through`)
  }
  t.same(wrong, [])
  t.comment(`${n} payloads`)
})

t.test(`${MUTATIONS} mutations, seed ${SEED}`, async (t) => {
  await untracked(t)
  const set = await stage(t)
  const random = seededRandom(`desync/${SEED}`)
  const corpus = [...desyncCorpus().values()]
  const pick = (): string => corpus[Math.floor(random() * corpus.length)] as string
  const wrong: string[] = []
  for (let n = 0; n < MUTATIONS; n++) {
    let bytes = pick()
    for (let i = 1 + Math.floor(random() * 3); i > 0; i--) bytes = mutate(bytes, pick(), random)
    const problem = await judge(set, n, bytes)
    if (problem !== null) wrong.push(`${problem}: ${JSON.stringify(bytes)}`)
  }
  t.same(wrong.slice(0, 5), [])
  const after = await set.app.get('/customers/1')
  t.equal(after.status, 200, 'and it serves on')
  t.comment(
    `${set.app.reports.length} requests told, ${set.upstream.requests.length} seen upstream`,
  )
})

function mutate(text: string, other: string, random: () => number): string {
  const at = Math.floor(random() * text.length)
  const length = Math.floor(random() * 12)
  const kind = Math.floor(random() * 6)
  if (kind === 0) return text.slice(0, at) + text.slice(at + 1)
  if (kind === 1) {
    return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + 1)
  }
  if (kind === 2) return text.slice(0, at) + text.slice(at, at + length) + text.slice(at)
  if (kind === 3) return text.slice(0, at) + '\r\n\t\0 :;,0'.charAt(length % 8) + text.slice(at)
  if (kind === 4) return text.slice(0, at) + other.slice(Math.floor(random() * other.length))
  return text.slice(0, at) + text.slice(at + length)
}

/** Headers by which others are made to believe something of a request (reliability S7, V59). */
const OVERRIDES = [
  'X-Forwarded-Host',
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'X-Forwarded-Scheme',
  'X-Forwarded-Server',
  'X-Forwarded-Path',
  'X-Forwarded-Uri',
  'X-Forwarded-Method',
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X-Forwarded-Groups',
  'X-Forwarded-Access-Token',
  'Forwarded',
  'X-Host',
  'X-HTTP-Host-Override',
  'X-Original-Host',
  'X-Original-URL',
  'X-Original-URI',
  'X-Rewrite-URL',
  'X-Override-URL',
  'X-HTTP-Method',
  'X-HTTP-Method-Override',
  'X-Method-Override',
  'X-HTTP-Destinationurl',
  'X-Real-IP',
  'X-Client-IP',
  'Client-IP',
  'True-Client-IP',
  'CF-Connecting-IP',
  'Fastly-Client-IP',
  'X-Cluster-Client-IP',
  'X-Originating-IP',
  'X-Remote-IP',
  'X-Remote-Addr',
  'X-Remote-User',
  'Remote-User',
  'X-User',
  'X-User-Id',
  'X-Authenticated-User',
  'X-Auth-Token',
  'X-Api-Key',
  'X-Access-Token',
  'Cookie',
  'Proxy-Authorization',
  'Proxy',
  'X-ProxyUser-IP',
  'X-Wap-Profile',
  'X-Accel-Redirect',
  'X-Accel-Expires',
  'X-Sendfile',
  'X-Cache-Key',
  'X-Cache-Hash',
  'Surrogate-Control',
  'Surrogate-Capability',
  'X-Amz-Website-Redirect-Location',
  'X-Backend-Server',
  'X-Server-Name',
  'Base-Url',
  'Referer',
  'Accept-Version',
  'X-Tenant',
  'Tenant-Id',
  'X-Version',
]

t.test(`${OVERRIDES.length} overriding headers reach nobody, on no way`, async (t) => {
  const { app, upstream } = await stage(t)
  const canary = 'zqcanaryqz'
  const headers = Object.fromEntries(OVERRIDES.map((name) => [name, canary]))
  const content = { 'content-type': 'application/json' }
  t.ok(OVERRIDES.length >= 60)
  for (const [method, path] of [
    ['GET', '/customers/1'],
    ['GET', '/customers/2?a=b'],
    ['GET', '/things'],
    ['PATCH', '/customers/1'],
  ] as const) {
    const isWrite = method === 'PATCH'
    const ask = isWrite ? { headers: { ...headers, ...content }, body: '{}' } : { headers }
    const reply = await app.get(path, { method, ...ask })
    t.equal(reply.status, 200)
    t.notMatch(JSON.stringify(reply), canary)
  }
  t.notMatch(JSON.stringify(upstream.requests), canary)
  t.notMatch(JSON.stringify(await app.get('/customers/1')), canary)
})

t.test('thirty requests that should fail leave nothing behind (CPDoS, S8)', async (t) => {
  const { app } = await stage(t)
  const oversized = [4_000, 8_000, 12_000, 17_000, 40_000].map((n) => `X-Big: ${'x'.repeat(n)}`)
  const odd = ['\x01', '\x07', '\x7f', '\0', '\x0b', '\r', '\n', '\u00ff', '\x1b[0m', '\x08'].map(
    (c) => `X-Odd: ${c}`,
  )
  const methods = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'].flatMap((name) =>
    ['POST', 'DELETE', 'FOO', 'TRACE', 'HEAD'].map((method) => `${name}: ${method}`),
  )
  const variants = [...oversized, ...odd, ...methods]
  t.equal(variants.length, 30)
  for (const [i, line] of variants.entries()) {
    const path = `/customers/${i + 100}`
    await converse(app.url, message(`GET ${path} HTTP/1.1`, [line, 'Connection: close']))
    const clean = await app.get(path, { headers: HEADERS })
    t.equal(clean.status, 200, line.slice(0, 40))
    t.equal(clean.body, '{"id": 1, "parent_id": null}')
  }
})
