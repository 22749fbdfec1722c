/** `Location` and `Content-Location` lead to where the client can ask: to Layby, and not below the path of the API. */
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.test('a client that follows what it is told comes back to where it was sent', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, `${upstream.url}/v1`)
  for (const start of ['', upstream.url]) {
    upstream.answer((received, res) => {
      const extra = {
        Location: `${start}/v1/customers/7/`,
        'Content-Location': `${start}/v1/customers/8`,
      }
      sendJson(res, received, '{}', extra, received.method === 'POST' ? 201 : 301)
    })
    for (const [method, path] of [
      ['GET', '/customers/1'],
      ['GET', '/other'],
      ['HEAD', '/other'],
      ['PATCH', '/customers/1'],
      ['POST', '/customers'],
      ['POST', '/other'],
    ] as const) {
      const body = method === 'POST' ? '{}' : undefined
      const headers = body === undefined ? {} : { 'content-type': 'application/json' }
      const asked = { method, headers, ...(body === undefined ? {} : { body }) }
      const reply = await app.get(path, asked)
      t.equal(reply.headers['location'], '/customers/7/', `${method} ${path}`)
      t.equal(reply.headers['content-location'], '/customers/8', `${method} ${path}`)
    }
  }
  upstream.answer((received, res) => sendJson(res, received, '{}'))
  await app.get('/customers/7/')
  t.equal(upstream.requests.at(-1)?.url, '/v1/customers/7/')
})

t.test('what is stored leads to Layby as well', async (t) => {
  const upstream = await startUpstream(t, (received, res) => {
    const extra = { 'Content-Location': '/v1/customers/1' }
    sendJson(res, received, '{"parent_id": null}', extra)
  })
  const app = await buildTestApp(t, `${upstream.url}/v1`)
  await app.get('/customers/1')
  const hit = await app.get('/customers/1')
  t.match(hit.headers['cache-status'], '; hit;')
  t.equal(hit.headers['content-location'], '/customers/1')
})
