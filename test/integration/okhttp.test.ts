/** OkHttp, as Android apps have it, with its disk cache in front of Layby. */
import t from 'tap'
import { startLayby } from '../helpers/layby-process.ts'
import { startOkHttp } from '../helpers/okhttp.ts'
import { startUpstream } from '../helpers/upstream.ts'

const BODY = '{"id": 1, "name": "Plain", "parent_id": null}'

t.setTimeout(600_000)

t.test('a phone with OkHttp revalidates what it keeps with a 304', async (t) => {
  const upstream = await startUpstream(t)
  const layby = await startLayby(t, upstream.url)
  const phone = startOkHttp(t, t.testdir())
  t.equal(await phone.read(`${layby.url}/customers/1`), `200 200 network ${BODY}`)
  t.equal(await phone.read(`${layby.url}/customers/1`), `200 304 cache ${BODY}`)
  t.equal(upstream.requests.length, 1)
})

t.test('a phone with OkHttp reads from its own cache while it is offline', async (t) => {
  const upstream = await startUpstream(t)
  const environment = { LAYBY_CACHE_CLIENT_MAX_AGE_SECONDS: '60' }
  const layby = await startLayby(t, upstream.url, { environment })
  const phone = startOkHttp(t, t.testdir())
  t.equal(await phone.read(`${layby.url}/customers/1`), `200 200 network ${BODY}`)
  await layby.end()
  t.equal(await phone.read(`${layby.url}/customers/1`), `200 - cache ${BODY}`)
  t.equal(await phone.read(`${layby.url}/customers/2`), 'failed ConnectException')
})
