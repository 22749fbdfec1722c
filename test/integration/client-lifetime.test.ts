/** How long a client may use its own copy: `cache.clientMaxAgeSeconds` and `cache.clientStaleIfErrorSeconds`. */
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const BODY = '{"id": 1, "parent_id": null}'
const STALE = { ttlMs: 10_000, staleWhileRevalidateMs: 5_000, staleIfErrorMs: 60_000 }

const CASES: readonly (readonly [
  maxAge: number,
  staleIfError: number,
  upstream: string,
  told: { readonly fill: string; readonly late: string; readonly stale: string },
])[] = [
  [0, 0, '', { fill: 'private, no-cache', late: 'private, no-cache', stale: 'private, no-cache' }],
  [
    4,
    0,
    '',
    { fill: 'private, max-age=4', late: 'private, max-age=3', stale: 'private, no-cache' },
  ],
  [
    60,
    900,
    '',
    {
      fill: 'private, max-age=10, stale-if-error=900',
      late: 'private, max-age=3, stale-if-error=900',
      stale: 'private, max-age=0, stale-if-error=900',
    },
  ],
  [
    0,
    900,
    'stale-if-error=50, no-transform',
    {
      fill: 'private, max-age=0, stale-if-error=50, no-transform',
      late: 'private, max-age=0, stale-if-error=50, no-transform',
      stale: 'private, max-age=0, stale-if-error=50, no-transform',
    },
  ],
  [
    5,
    900,
    'max-age=8, must-revalidate',
    { fill: 'private, max-age=5', late: 'private, max-age=1', stale: 'private, no-cache' },
  ],
]

for (const [maxAge, staleIfError, said, told] of CASES) {
  t.test(`${maxAge} s and ${staleIfError} s past it, where the API says ${said}`, async (t) => {
    const upstream = await startUpstream(t, (received, res) =>
      sendJson(res, received, BODY, said === '' ? {} : { 'Cache-Control': said }),
    )
    const lifetimes = { clientMaxAgeSeconds: maxAge, clientStaleIfErrorSeconds: staleIfError }
    const app = await buildTestApp(t, upstream.url, { cache: { ...STALE, ...lifetimes } })
    const fill = await app.get('/customers/1')
    t.equal(fill.headers['cache-control'], told.fill)
    app.clock.advance(6_100)
    for (const headers of [{}, { 'if-none-match': String(fill.headers['etag']) }]) {
      const late = await app.get('/customers/1', { headers })
      t.match(late.headers['cache-status'], 'hit')
      t.equal(late.headers['cache-control'], told.late, 'never past freshness')
    }
    if (said.includes('must-revalidate')) return
    await upstream.close()
    app.clock.advance(6_000)
    for (const path of ['/customers/1', '/customers/1/']) {
      if (path.endsWith('/')) app.clock.advance(10_000)
      const stale = await app.get('/customers/1')
      t.match(stale.headers['cache-status'], /detail=s/)
      t.equal(stale.headers['cache-control'], told.stale, 'stale')
    }
  })
}

t.test('what is not stored has no lifetime', async (t) => {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, BODY, { 'Cache-Control': 'private, max-age=50' }),
  )
  const lifetimes = { clientMaxAgeSeconds: 30, clientStaleIfErrorSeconds: 30 }
  const app = await buildTestApp(t, upstream.url, { cache: lifetimes })
  t.equal((await app.get('/customers/1')).headers['cache-control'], 'private, no-cache')
  upstream.answer((received, res) => sendJson(res, received, '{}', {}, 404))
  t.equal((await app.get('/customers/2')).headers['cache-control'], 'no-store')
})
