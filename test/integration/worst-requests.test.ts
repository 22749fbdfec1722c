/**
 * Whole requests with the worst fields: 14 kB of them cost at most 24 times the processor time of 1 kB, and no more than
 * a moment, through everything that a request passes, libraries included; with and without a token.
 */
import t from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { exchange } from '../helpers/raw-socket.ts'
import { startUpstream } from '../helpers/upstream.ts'

const SHORT = 1_024
const LONG = 14_000
const AT_ONCE = 5
const MAX_RATIO = 24

const FIELDS = [
  ...['tracestate', 'traceparent', 'if-none-match', 'accept-encoding', 'cache-control', 'pragma'],
  ...['connection', 'via', 'accept', 'cookie', 'forwarded', 'x-forwarded-for', 'x-request-id'],
  ...['host', 'range', 'if-match', 'if-modified-since', 'origin', 'prefer', 'content-type', 'x_a'],
]
const PIECES = [' ', ',', ', ', 'a=,', 'W/"', '"', ';', 'a']

const LINES = {
  'a token': ['Authorization: Bearer token-one.aaaa', 'X-Tenant-Id: 7'],
  'no token': [],
} as const
const TRACE = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function request(path: string, lines: readonly string[], name: string, value: string): string {
  const own = ['host', 'traceparent'].includes(name) ? [] : ['Host: a', TRACE]
  const head = [
    `GET ${path} HTTP/1.1`,
    ...own,
    ...lines,
    `${name}: x${value}x`,
    'Connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n`
}

/** Microseconds of processor time, of all that it takes: the client is in this process, too. */
async function costOf(app: TestApp, bytes: string): Promise<number> {
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: AT_ONCE }, () => exchange(app.url, bytes)))
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function ratioOf(app: TestApp, make: (length: number) => string): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 4 && best > MAX_RATIO; tries++) {
    const short = await costOf(app, make(SHORT))
    best = Math.min(best, (await costOf(app, make(LONG))) / short)
  }
  return best
}

for (const [who, lines] of Object.entries(LINES))
  for (const path of ['/customers/1', '/customers/1/addresses']) {
    t.test(`${path} with ${who} and the worst fields`, async (t) => {
      const upstream = await startUpstream(t)
      const app = await buildTestApp(t, upstream.url)
      await app.get('/customers/1')
      for (const name of FIELDS)
        for (const piece of PIECES) {
          const make = (length: number): string =>
            request(path, lines, name, piece.repeat(Math.ceil(length / piece.length)))
          const ratio = await ratioOf(app, make)
          t.ok(ratio <= MAX_RATIO, `${name}: ${JSON.stringify(piece)}, ${ratio.toFixed(1)} times`)
        }
    })
  }
