/** Entity tags that clients bring back, and bytes that nobody may change. */
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { type Script, sendJson, startUpstream } from '../helpers/upstream.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const BODY = `{"id": 1, "parent_id": null, "notes": "${'gate code on the left, '.repeat(80)}"}`

/** An API that knows one tag, and takes a write only with it. */
function conditional(tag: string | null): Script {
  return (received, res) => {
    const { method, headers } = received
    const extra: Record<string, string> = tag === null ? {} : { ETag: tag }
    const asked = headers['if-match']
    const isMet = method === 'GET' || asked === undefined || asked === '*' || asked === tag
    sendJson(res, received, BODY, extra, isMet ? 200 : 412)
  }
}

for (const apiTag of ['"v5"', '"v5-gz"', '"v5-id"', '"1B2M2Y8AsgTpgAmY7PhCfg"']) {
  t.test(
    `a write with any tag that was told for ${apiTag} reaches the API with that`,
    async (t) => {
      const upstream = await startUpstream(t, conditional(apiTag))
      const app = await buildTestApp(t, upstream.url)
      for (const coding of ['identity', 'gzip', 'br']) {
        const read = await app.get('/customers/1', { headers: { 'accept-encoding': coding } })
        const tag = String(read.headers['etag'])
        t.equal(coding === 'gzip', /-gz"$/.test(tag) && read.headers['content-encoding'] === 'gzip')
        const headers = { ...JSON_TYPE, 'if-match': tag }
        for (const method of ['PATCH', 'PUT', 'DELETE', 'POST']) {
          const body = method === 'DELETE' ? {} : { body: '{}' }
          const write = await app.get('/customers/1', { method, headers, ...body })
          t.equal(write.status, 200, `${method} with ${tag}`)
          t.equal(upstream.requests.at(-1)?.headers['if-match'], apiTag)
          const next = { ...JSON_TYPE, 'if-match': String(write.headers['etag']) }
          await app.get('/customers/1', { method, headers: next, ...body })
          t.equal(upstream.requests.at(-1)?.headers['if-match'], apiTag, 'as the write told it')
        }
      }
    },
  )
}

t.test('tags of other resources are the API’s, and go as they are', async (t) => {
  const upstream = await startUpstream(t, conditional('"a-gz"'))
  const app = await buildTestApp(t, upstream.url)
  const path = '/customers/1/addresses/2'
  const read = await app.get(path)
  t.equal(read.headers['etag'], '"a-gz"')
  for (const name of ['if-match', 'if-none-match']) {
    await app.get(path, {
      method: 'PATCH',
      headers: { ...JSON_TYPE, [name]: '"a-gz"' },
      body: '{}',
    })
    t.equal(upstream.requests.at(-1)?.headers[name], '"a-gz"')
  }
})

t.test('a write that names a minted tag alone is refused, and not sent', async (t) => {
  const upstream = await startUpstream(t, conditional(null))
  const app = await buildTestApp(t, upstream.url)
  const read = await app.get('/customers/1', { headers: { 'accept-encoding': 'gzip' } })
  const tag = String(read.headers['etag'])
  t.match(tag, /^"[\w-]{22}-gz"$/)
  const writes = [
    ['PATCH', '/customers/1', '{}'],
    ['DELETE', '/customers/1', undefined],
    ['PATCH', '/customers/1/addresses/2', '{}'],
    ['PATCH', '/contacts/3', '{}'],
    ['GET', '/contacts/3', undefined],
  ] as const
  for (const [method, path, body] of writes) {
    const headers = { ...(body === undefined ? {} : JSON_TYPE), 'if-match': tag }
    const write = await app.get(path, { method, headers, ...(body === undefined ? {} : { body }) })
    t.equal(write.status, 412, `${method} ${path}`)
    t.match(JSON.parse(write.body), { code: 'precondition_failed', field: 'if-match' })
  }
  t.equal(upstream.requests.length, 1)
  t.match((await app.get('/customers/1')).headers['cache-status'], /hit/, 'nothing has changed')

  const headers = { ...JSON_TYPE, 'if-match': `${tag}, "v5-gz"` }
  await app.get('/customers/1', { method: 'PATCH', headers, body: '{}' })
  t.equal(upstream.requests.at(-1)?.headers['if-match'], '"v5"')
  const none = { ...JSON_TYPE, 'if-none-match': tag }
  await app.get('/customers/1', { method: 'PATCH', headers: none, body: '{}' })
  t.equal(upstream.requests.at(-1)?.headers['if-none-match'], undefined)
  t.equal(
    upstream.requests.at(-1)?.method,
    'PATCH',
    'no tag of the API equals it: the condition holds',
  )
})

t.test('what may not be transformed leaves as it came', async (t) => {
  const digests = { 'Content-Digest': 'sha-256=:x:', 'Repr-Digest': 'sha-256=:y:', Digest: 'z' }
  let control = 'max-age=60, No-Transform'
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, BODY, { ...digests, 'Content-MD5': 'q', 'Cache-Control': control }),
  )
  const app = await buildTestApp(t, upstream.url)
  const gzip = { 'accept-encoding': 'gzip' }
  for (const what of ['fill', 'hit']) {
    const fixed = await app.get('/customers/1', { headers: gzip })
    t.equal(fixed.body, BODY, what)
    t.equal(fixed.headers['content-encoding'], undefined)
    t.equal(fixed.headers['cache-control'], 'private, no-cache, no-transform')
    t.equal(fixed.headers['content-digest'], 'sha-256=:x:')
    const same = { ...gzip, 'if-none-match': String(fixed.headers['etag']) }
    const not = await app.get('/customers/1', { headers: same })
    t.equal(not.status, 304)
    t.equal(not.headers['cache-control'], 'private, no-cache, no-transform')
  }
  for (const [path, said] of [
    ['/customers/1?a=b', 'private, no-cache, no-transform'],
    ['/contacts/1', control],
  ] as const) {
    t.equal((await app.get(path, { headers: gzip })).headers['cache-control'], said)
  }
  control = 'max-age=60'
  const asked = { ...gzip, 'cache-control': 'no-transform' }
  const plain = await app.get('/customers/2', { headers: asked })
  t.equal(plain.body, BODY, 'the client forbids it')
  t.equal(plain.headers['repr-digest'], 'sha-256=:y:')
  t.equal(
    (await app.get('/customers/2', { headers: asked })).headers['content-encoding'],
    undefined,
  )
})

t.test('digests of the plain form do not go with the compressed one', async (t) => {
  const digests = {
    'Content-Digest': 'sha-256=:x:',
    'Repr-Digest': 'sha-256=:y:',
    Digest: 'z',
    'Content-MD5': 'q',
    Signature: 'a=:b:',
    'Signature-Input': 'a=("content-digest")',
  }
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, BODY, { ...digests, 'Last-Modified': 'Sat, 20 Aug 2022 10:11:12 GMT' }),
  )
  const cache = { keepHeaders: ['signature', 'signature-input'] }
  const app = await buildTestApp(t, upstream.url, { cache })
  const names = Object.keys(digests).map((name) => name.toLowerCase())
  const plain = await app.get('/customers/1')
  const coded = await app.get('/customers/1', { headers: { 'accept-encoding': 'gzip' } })
  t.equal(coded.headers['content-encoding'], 'gzip')
  t.ok(coded.headers['last-modified'])
  for (const name of names) {
    t.ok(plain.headers[name], `plain: ${name}`)
    t.notOk(coded.headers[name], `compressed: ${name}`)
  }
})

t.test('a 304 has what a 200 says of where it is, and of who may read it', async (t) => {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, BODY, {
      'Content-Location': '/customers/1',
      'Access-Control-Allow-Origin': 'https://app.example',
      'Access-Control-Allow-Credentials': 'true',
      'Timing-Allow-Origin': '*',
      'Cross-Origin-Resource-Policy': 'cross-origin',
      'Content-Language': 'en',
    }),
  )
  const app = await buildTestApp(t, upstream.url)
  const full = await app.get('/customers/1')
  const same = { 'if-none-match': String(full.headers['etag']) }
  const not = await app.get('/customers/1', { headers: same })
  t.equal(not.status, 304)
  const repeated =
    /^(content-location|access-control-.*|timing-allow-origin|cross-origin-.*|vary|date)$/
  for (const name of Object.keys(full.headers).filter((one) => repeated.test(one))) {
    t.equal(not.headers[name], full.headers[name], name)
  }
  t.ok(not.headers['content-location'])
  t.notOk(not.headers['content-language'], 'it is of the content')
})
