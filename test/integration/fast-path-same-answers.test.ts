/**
 * The wire front end answers with the bytes that the normal one would: every request goes to two instances
 * that differ in nothing else, and the answers are compared byte by byte, `Date` aside. One thing differs: a method that
 * Node's parser does not know is forwarded by the one, and answered with 501 by the other.
 */
import t, { type Test } from 'tap'
import { buildTestApp, type TestApp, VERSION } from '../helpers/app.ts'
import { exchange, type RawResult } from '../helpers/raw-socket.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const ID = '0198c0de-0000-7000-8000-000000000001'
const BODY = '{"id": 1, "parent_id": null, "name": "Zürich"}'

interface Pair {
  readonly fast: TestApp
  readonly normal: TestApp
}

async function startPair(t: Test): Promise<Pair> {
  const upstream = await startUpstream(t, (received, res) => {
    if (received.url.startsWith('/customers/404')) {
      // In chunks, and with a value that reads like a name.
      const headers = { 'content-type': 'text/plain', 'x-counts': 'content-length' }
      res.writeHead(404, 'No: such', headers).end('none')
    } else if (received.url.startsWith('/customers/5')) {
      sendJson(res, received, `{"id": 5, "parent_id": null, "long": "${'x'.repeat(40_000)}"}`)
    } else if (received.url.startsWith('/customers/6')) {
      res.writeHead(200, { 'content-type': 'application/json', 'x-api-version': VERSION })
      res.end(`{"id": 6, "parent_id": null, "longest": "${'x'.repeat(1_100_000)}"}`)
    } else {
      res.setHeader('Allow', 'GET, PATCH')
      res.setHeader('Access-Control-Allow-Origin', '*')
      res.setHeader('Date', 'Sat, 20 Aug 2022 10:11:12 GMT')
      sendJson(res, received, BODY)
    }
  })
  const start = (fastPath: boolean): Promise<TestApp> =>
    buildTestApp(t, upstream.url, { server: { fastPath } })
  return { fast: await start(true), normal: await start(false) }
}

/** Drops what may differ: `Date` of an answer made here, and how long Node would keep the connection. */
function comparable(text: string): string {
  return text
    .replace(/^Date: (?!Sat, 20 Aug 2022).*\r\n/gim, '')
    .replace(/^Keep-Alive: timeout=75\r\n/gm, '')
}

function request(method: string, path: string, lines: readonly string[]): string {
  const base = [
    'Host: a',
    'Authorization: Bearer aaaa.bbbb',
    'X-Tenant-Id: 7',
    `X-Request-Id: ${ID}`,
  ]
  return `${[`${method} ${path} HTTP/1.1`, ...base, ...lines].join('\r\n')}\r\n\r\n`
}

async function askBoth({ fast, normal }: Pair, bytes: string, isHead: boolean) {
  // Where one chunk of a streamed body ends and the next begins is chance.
  const whole = ({ text, replies }: RawResult): string => {
    const [reply] = replies
    if (reply?.headers.get('transfer-encoding') !== 'chunked') return comparable(text)
    const { status, reason, lines, body } = reply
    return comparable([`${status} ${reason}`, ...lines, '', body].join('\r\n'))
  }
  const [a, b] = await Promise.all([
    exchange(fast.url, bytes, 1, isHead),
    exchange(normal.url, bytes, 1, isHead),
  ])
  return [whole(a), whole(b)] as const
}

const VERSIONS = [[], [`X-Api-Version: ${VERSION}`], ['X-Api-Version: 2019/02/08']]
const CONDITIONS = [
  [],
  ['If-None-Match: *'],
  ['If-None-Match: "a", W/"b"'],
  ['If-None-Match: ETAG'],
]
const DIRECTIVES = [
  [],
  ['Cache-Control: no-cache'],
  ['Cache-Control: max-age=0'],
  ['Cache-Control: max-age=10, min-fresh=5'],
  ['Cache-Control: only-if-cached'],
  ['Cache-Control: no-store'],
  ['Pragma: no-cache'],
]
const PATHS = [
  '/customers/1',
  '/customers/1/',
  '/customers/404',
  '/customers/5',
  '/customers/6',
  '/customers/1?a=b',
  '/users/1',
  '/customers/007',
]

t.setTimeout(600_000)
t.test('both front ends answer alike, whatever is asked', async (t) => {
  const pair = await startPair(t)
  let compared = 0
  for (const path of PATHS) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
      for (const version of VERSIONS) {
        for (const directives of DIRECTIVES) {
          for (const condition of CONDITIONS) {
            if (method === 'DELETE' && condition.length > 0) continue
            const lines = [...version, ...directives, ...condition]
            const bytes = request(method, path, lines)
            const [fast, normal] = await askBoth(pair, bytes, method === 'HEAD')
            if (fast !== normal) t.equal(fast.slice(0, 2000), normal.slice(0, 2000), bytes)
            else compared++
          }
        }
      }
      pair.fast.clock.advance(7_000)
      pair.normal.clock.advance(7_000)
    }
  }
  t.equal(
    compared,
    PATHS.length * VERSIONS.length * DIRECTIVES.length * (3 * CONDITIONS.length + 1),
  )
  const kinds = new Set(pair.fast.reports.map(({ outcome }) => outcome.kind))
  t.same([...kinds].sort(), ['bypass', 'fill', 'hit', 'not-cached', 'pass-through', 'refused'])
  const told = (app: TestApp): unknown =>
    app.reports.map(({ outcome, status, route, method }) => ({ outcome, status, route, method }))
  t.same(told(pair.fast), told(pair.normal), 'and tell the same of it')
})

const KNOWN_METHODS = ['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'PURGE', 'M-SEARCH', 'TRACE']

t.test('both front ends answer alike to every method that Node knows', async (t) => {
  const pair = await startPair(t)
  for (const path of PATHS) {
    for (const method of KNOWN_METHODS) {
      const [fast, normal] = await askBoth(pair, request(method, path, []), false)
      t.equal(fast, normal, `${method} ${path}`)
    }
  }
})

t.test('a method that Node does not know is forwarded by the wire front end alone', async (t) => {
  const pair = await startPair(t)
  for (const method of ['FOO', 'get', 'GETT', 'DESCRIBE', "!#$%&'*+.^_`|~"]) {
    const [fast, normal] = await askBoth(pair, request(method, '/customers/1', []), false)
    // The server behind is Node's too.
    t.match(fast, /^400 [\s\S]*\r\nCache-Status: layby; fwd=method\r\n/, method)
    t.match(normal, /^HTTP\/1\.1 501 Method: is not known\r\n/, method)
  }
})
