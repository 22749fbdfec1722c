/** What says how the content of a request is to be read goes on with it (RFC 9110 section 8), and Layby does not read what it can't. */
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { exchange } from '../helpers/raw-socket.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const LINES = Object.entries(HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')

function patch(path: string, body: string, more: string): string {
  const type = 'Content-Type: application/json\r\n'
  return `PATCH ${path} HTTP/1.1\r\nHost: a\r\n${LINES}${type}${more}Content-Length: ${body.length}\r\n\r\n${body}`
}

t.test('content reaches the API with all that says how to read it', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const fields = {
    'content-encoding': 'gzip',
    'content-language': 'de',
    'content-range': 'bytes 0-3/30',
    'content-digest': 'sha-256=:AAAA:',
    'repr-digest': 'sha-256=:AAAB:',
    'content-disposition': 'attachment',
  }
  const more = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  const body = gzipSync('{"name":"n"}').toString('latin1')
  for (const path of ['/other', '/customers/1']) {
    const { replies } = await exchange(app.url, patch(path, body, more.join('')))
    t.equal(replies[0]?.status, 200)
    t.match(upstream.requests.at(-1)?.headers, fields, path)
  }
})

t.test('a parent in content that is coded is not believed', async (t) => {
  const upstream = await startUpstream(t, (received, res) => {
    const id = /\/customers\/([0-9]+)/.exec(received.url)?.[1] ?? '0'
    if (received.method === 'PATCH') sendJson(res, received, '{}')
    else
      sendJson(res, received, `{"id": ${id}, "parent_id": null, "n": ${upstream.requests.length}}`)
  })
  const app = await buildTestApp(t, upstream.url)
  for (const coding of ['gzip', 'identity']) {
    const before = [await app.get('/customers/1'), await app.get('/customers/2')]
    await app.get('/customers/3')
    // To us it reads as if 2 were the parent; what the API reads, nobody knows.
    const more = `Content-Encoding: ${coding}\r\n`
    const { replies } = await exchange(app.url, patch('/customers/1', '{"parent_id":2}', more))
    t.equal(replies[0]?.status, 200)
    t.not((await app.get('/customers/1')).body, before[0]?.body)
    t.not((await app.get('/customers/2')).body, before[1]?.body)
    const isHit = /; hit;/.test(String((await app.get('/customers/3')).headers['cache-status']))
    t.equal(isHit, coding === 'identity', `${coding}: another record of the tenant`)
  }
})

t.test('an answer to a write that is coded is not read, and empties no tenant', async (t) => {
  const upstream = await startUpstream(t, (received, res) => {
    if (received.method !== 'PATCH') sendJson(res, received, '{"id": 1, "parent_id": null}')
    else {
      const body = gzipSync('{"id": 1, "parent_id": null}')
      const coded = { 'content-encoding': 'gzip', 'content-length': body.length }
      const type = { 'content-type': 'application/json', 'x-api-version': '2023/04/19' }
      res.writeHead(200, { ...type, ...coded }).end(body)
    }
  })
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1')
  await app.get('/customers/3')
  const headers = { 'content-type': 'application/json' }
  await app.get('/customers/1', { method: 'PATCH', body: '{"name":"n"}', headers })
  t.match((await app.get('/customers/3')).headers['cache-status'], '; hit;')
  t.notMatch((await app.get('/customers/1')).headers['cache-status'], '; hit;')
})
