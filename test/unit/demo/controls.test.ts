import { connect } from 'node:net'
import t from 'tap'
import { setUp, tokenOf } from './harness.ts'

const path = '/customers/1'
const token = tokenOf('Dispatcher')
const rename = (name: string) => ({ tenant: '7', method: 'PATCH', path, body: { name } }) as const

t.test('a hold at arrival makes requests wait and answers with the state at release', async (t) => {
  const { call, upstream } = await setUp(t)
  const hold = upstream.controls.hold({ match: ({ method }) => method === 'GET' })
  const reads = [call({ path, token }), call({ path, token })]
  await hold.waiting(2)
  t.equal(hold.requests.length, 2)
  t.equal((await call({ method: 'PATCH', path, token, body: { name: 'Later' } })).status, 200)
  hold.releaseOne()
  t.match((await Promise.race(reads)).text, '"name": "Later"')
  t.equal(hold.requests.length, 1)
  hold.release()
  for (const got of await Promise.all(reads)) t.match(got.text, '"name": "Later"')
  t.equal((await call({ path, token })).status, 200, 'nothing waits any more')
})

t.test('a hold at the answer withholds an answer that a write then makes old', async (t) => {
  const { call, upstream } = await setUp(t)
  const { state, controls } = upstream
  const old = state.render('7', '1', token).body.toString()
  const hold = controls.hold({ at: 'answer' })
  const read = call({ path, token })
  await hold.waiting()
  state.write(rename('Newer'))
  controls.release()
  t.equal((await read).text, old)
  t.equal(state.versionOf('7', '1', old), 1)
  t.equal(state.version('7', '1'), 2)
})

t.test('failures come in the order planned, for the requests they are meant for', async (t) => {
  const { call, upstream } = await setUp(t)
  const { controls } = upstream
  controls.failNext({ status: 503, headers: { 'Retry-After': '3' }, times: 2 })
  controls.failNext({ reasonPhrase: 'Fine By Me', headers: { 'Cache-Control': 'no-store' } })
  controls.failNext({ status: 404, match: (request) => request.path === '/customers/2' })
  for (const _ of [1, 2]) {
    const got = await call({ path, token })
    t.equal(got.status, 503)
    t.equal(got.headers['retry-after'], '3')
  }
  const fine = await call({ path, token })
  t.equal(fine.reason, 'Fine By Me')
  t.equal(fine.headers['cache-control'], 'no-store')
  t.equal(fine.text, upstream.state.render('7', '1', token).body.toString())
  t.equal((await call({ path, token })).status, 200)
  t.equal((await call({ path: '/customers/2', token })).status, 404)
  t.ok(controls.idle)
})

t.test('headers, status and body of an answer can be replaced', async (t) => {
  const { call, upstream } = await setUp(t)
  const cookies = ['a=1', 'b=2']
  upstream.controls.failNext({
    status: 203,
    chunked: true,
    headers: { 'content-type': 'text/plain', 'Set-Cookie': cookies },
  })
  const got = await call({ path, token })
  t.equal(got.status, 203)
  t.equal(got.headers['content-type'], 'text/plain')
  t.same(got.headers['set-cookie'], cookies)
  t.equal(got.headers['transfer-encoding'], 'chunked')
  t.equal(got.headers['content-length'], undefined)
  t.equal(got.text, upstream.state.render('7', '1', token).body.toString())
  upstream.controls.failNext({ body: '{}', chunked: true })
  t.equal((await call({ path, token })).text, '{}')
})

t.test('broken exchanges break as asked', async (t) => {
  const { call, upstream } = await setUp(t)
  const { controls } = upstream
  controls.failNext({ reset: true })
  await t.rejects(call({ path, token }), { code: 'ECONNRESET' })
  controls.failNext({ truncate: true })
  await t.rejects(call({ path, token }), { code: 'ECONNRESET' })
  controls.failNext({ garbage: true })
  await t.rejects(call({ path, token }), { code: /^HPE_/ })
  t.equal((await call({ path, token })).status, 200)
})

/** Sends a request on a bare socket and resolves with what came once `enough` says so. */
function readRaw(port: number, enough: (text: string) => boolean) {
  const socket = connect(port, '127.0.0.1')
  const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n`
  socket.write(`${head}X-Tenant-Id: 7\r\n\r\n`)
  const text = new Promise<string>((resolve) => {
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString()
      if (enough(received)) resolve(received)
    })
  })
  return { socket, text }
}

t.test(
  'a stall sends half an answer and a hang none, on a connection that stays open',
  async (t) => {
    const { upstream } = await setUp(t)
    const { controls, state } = upstream
    const half = state.render('7', '1', token).body.subarray(0, 200).toString()
    controls.failNext({ stall: true })
    const stalled = readRaw(upstream.port, (text) => text.includes(half))
    t.match(await stalled.text, 'HTTP/1.1 200 OK')
    t.equal(stalled.socket.readyState, 'open')
    controls.failNext({ hang: true })
    const hung = readRaw(upstream.port, () => true)
    await upstream.received(2)
    hung.socket.destroy()
    stalled.socket.destroy()
  },
)

t.test('a lost answer can hide a write that happened, or one that did not', async (t) => {
  const { call, upstream } = await setUp(t)
  const { controls, state } = upstream
  const write = { method: 'PATCH', path, token, body: { name: 'Unheard' } }
  controls.failNext({ reset: true })
  await t.rejects(call(write))
  controls.failNext({ status: 500 })
  t.equal((await call(write)).status, 500)
  t.equal(state.version('7', '1'), 1)
  controls.failNext({ reset: true, applied: true })
  await t.rejects(call(write))
  controls.failNext({ status: 500, applied: true })
  t.equal((await call(write)).status, 500)
  t.equal(state.version('7', '1'), 3)
})

t.test('what was received is counted and logged, and can be waited for', async (t) => {
  const { call, upstream } = await setUp(t, { logLimit: 2 })
  const third = upstream.received(3)
  const write = upstream.received(({ method }) => method === 'PATCH')
  await call({ path: `${path}?a=1`, token })
  await call({ path: `${path}/`, token })
  await call({ method: 'PATCH', path, token, body: { name: 'Ten chars' } })
  t.match(await third, { method: 'PATCH', route: '/customers/{customer_id}' })
  t.equal(await write, await upstream.received(1))
  await upstream.received(({ bodyLength }) => bodyLength === 20)
  t.equal(upstream.journal.countOf('GET', path), 1)
  for (const name of ['b', 'c', 'd']) await call({ path: `/${name}` })
  t.same(
    upstream.journal.log.map(({ url }) => url),
    ['/c', '/d'],
  )
  t.ok(upstream.journal.log[0]?.rawHeaders.includes('X-TENANT-ID'))
  const stats = JSON.parse((await call({ path: '/__stats', tenant: null })).text)
  t.match(stats, {
    total: 6,
    routes: { 'GET /customers/{customer_id}': 2, 'GET unknown': 3 },
    paths: { 'GET /customers/1': 1, 'GET /customers/1/': 1, 'GET /d': 1 },
  })
  upstream.journal.reset()
  t.equal(upstream.journal.counters.total, 0)
})

t.test('each whole answer is told to listeners before it is sent', async (t) => {
  const { call, upstream } = await setUp(t)
  const sent: string[] = []
  upstream.onAnswer(({ request, status, body }) => sent.push(`${request.url} ${status} ${body}`))
  const got = await call({ path, token })
  await call({ path })
  upstream.controls.failNext({ truncate: true })
  await t.rejects(call({ path, token }))
  t.equal(sent[0], `${path} 200 ${got.text}`)
  t.match(sent[1], `${path} 401`)
  t.equal(sent.length, 2)
})

t.test('delay and failures are set at run time', async (t) => {
  const { call, upstream } = await setUp(t)
  const control = (body: object | string, method = 'POST') =>
    call({ method, path: '/__control', tenant: null, body })
  t.equal((await control({ failureRate: 1, failStatus: 502 })).status, 200)
  t.equal((await call({ path, token })).status, 502)
  t.equal((await control({ failureRate: 0, delayMs: 1, jitterMs: 1 })).status, 200)
  t.notOk(upstream.controls.idle)
  t.equal((await call({ path, token })).status, 200)
  for (const bad of ['{', '7', { nonsense: 1 }, { failureRate: 2 }, { delayMs: 'x' }]) {
    t.equal((await control(bad)).status, 400)
  }
  t.equal((await call({ path: '/__nothing' })).status, 404)
  upstream.controls.clear()
  t.ok(upstream.controls.idle)
})

t.test('an oversized body is refused, and a taken port is an error at the start', async (t) => {
  const { call, upstream } = await setUp(t)
  const body = `{"name": "${'x'.repeat(1_100_000)}"}`
  t.equal((await call({ method: 'PATCH', path, token, body })).status, 413)
  t.equal((await call({ path, token, headers: { 'Content-Length': '2' }, body: '{}' })).status, 200)
  await t.rejects(setUp(t, { port: upstream.port }), { code: 'EADDRINUSE' })
})
