import t from 'tap'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.test('the second read of a customer is a hit with the same bytes', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const first = await app.get('/customers/1/')
  app.clock.advance(2_000)
  const second = await app.get('/customers/1/')
  t.equal(first.headers['cache-status'], 'layby; fwd=uri-miss; stored; ttl=300')
  t.equal(first.headers['age'], undefined, 'a fill has no age')
  t.equal(second.headers['cache-status'], 'layby; hit; ttl=298; detail=memory')
  t.equal(second.headers['age'], '2')
  t.equal(second.body, first.body)
  t.equal(upstream.requests.length, 1)
  t.equal(upstream.requests[0]?.headers.authorization, HEADERS.authorization)
})

t.test(
  'both spellings of the path are one resource, and each goes upstream as it came',
  async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url)
    await app.get('/customers/1/')
    const other = await app.get('/customers/1')
    t.match(other.headers['cache-status'], /hit/)
    await app.get('/customers/2')
    t.same(
      upstream.requests.map(({ url }) => url),
      ['/customers/1/', '/customers/2'],
    )
  },
)
