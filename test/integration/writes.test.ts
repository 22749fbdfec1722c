import t from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { bearer, startSample, tokenOf } from '../helpers/sample.ts'

const DISPATCHER = { authorization: bearer('boss'), 'content-type': 'application/json' }
const READER = { authorization: bearer('reader'), 'x-api-version': '2019/02/08' }

async function start(t: Parameters<typeof startSample>[0]) {
  const upstream = await startSample(t)
  upstream.state.addToken(tokenOf('boss', { 7: 'Dispatcher' }))
  upstream.state.addToken(tokenOf('reader', { 7: 'CrmUser' }))
  const app = await buildTestApp(t, upstream.url)
  return { upstream, app }
}

/** Cached, and the same bytes as the upstream would give now. */
async function isFresh(app: TestApp, truth: () => Buffer, customer: string): Promise<boolean> {
  const first = await app.get(`/customers/${customer}/`, { headers: READER })
  const second = await app.get(`/customers/${customer}/`, { headers: READER })
  return (
    first.body === truth().toString() &&
    second.body === first.body &&
    /hit/.test(String(second.headers['cache-status']))
  )
}

const ADDRESS = {
  country: 'US',
  is_billing: true,
  is_shipping: true,
  latitude: 45.5,
  line_1: '1 Test Way',
  locality: 'Milbrook',
  longitude: -122.5,
  postcode: '97299',
  region: 'OR',
}

t.test(
  'each of the writes W1 to W9 is seen by the next read, and by the children where they show it',
  async (t) => {
    const { upstream, app } = await start(t)
    const { state } = upstream
    // A customer with a child: links are generated, so look for one.
    const parsed = (id: string) =>
      JSON.parse(state.render('7', id, 'Dispatcher').body.toString()) as {
        parent_id: number | null
        addresses: { id: number }[]
        contacts: { id: number }[]
        locations: { location_id: number }[]
      }
    const child = Array.from({ length: 500 }, (_, i) => String(i + 1)).find(
      (id) => parsed(id).parent_id !== null,
    )
    if (child === undefined) throw new Error('no child among the generated customers')
    const parent = String(parsed(child).parent_id)
    const record = parsed(parent)
    const address = record.addresses[0]?.id
    const contact = record.contacts[0]?.id
    const location = record.locations[0]?.location_id
    const writes: [string, string, object | null][] = [
      ['PATCH', `/customers/${parent}`, { name: 'Renamed' }],
      ['POST', `/customers/${parent}/addresses`, ADDRESS],
      ['PATCH', `/customers/${parent}/addresses/${address}`, ADDRESS],
      ['DELETE', `/customers/${parent}/addresses/${address}`, null],
      ['POST', `/customers/${parent}/contacts`, { name: 'New Contact', email: 'new@example.com' }],
      ['PATCH', `/customers/${parent}/contacts/${contact}/`, { name: 'Other Name' }],
      ['POST', `/customers/${parent}/locations/90001`, {}],
      ['PATCH', `/customers/${parent}/locations/${location}`, { note: 'new note' }],
      ['DELETE', `/customers/${parent}/locations/${location}`, null],
    ]
    for (const [method, path, body] of writes) {
      const truth = (id: string) => () => state.render('7', id, 'reader.token', '2019/02/08').body
      t.ok(await isFresh(app, truth(parent), parent))
      t.ok(await isFresh(app, truth(child), child))
      const before = truth(parent)().toString()
      const reply = await app.get(path, {
        method,
        headers: body === null ? { ...DISPATCHER, 'content-type': undefined } : DISPATCHER,
        ...(body === null ? {} : { body: JSON.stringify(body) }),
      })
      t.equal(reply.status, 200, `${method} ${path}: ${reply.body.slice(0, 200)}`)
      t.not(truth(parent)().toString(), before, `${method} ${path} changed what readers see`)
      t.ok(await isFresh(app, truth(parent), parent), `${method} ${path}: the customer`)
      t.ok(await isFresh(app, truth(child), child), `${method} ${path}: its child`)
    }
  },
)

t.test('moving a customer drops the old and the new parent', async (t) => {
  const { upstream, app } = await start(t)
  for (const id of ['10', '11', '12']) upstream.state.addCustomer('7', `900${id}`)
  const move = (parent: number | null) =>
    app.get('/customers/90010', {
      method: 'PATCH',
      headers: DISPATCHER,
      body: JSON.stringify({ parent_id: parent }),
    })
  t.equal((await move(90011)).status, 200)
  for (const id of ['90010', '90011', '90012'])
    await app.get(`/customers/${id}/`, { headers: READER })
  t.equal((await move(90012)).status, 200)
  for (const id of ['90010', '90011', '90012']) {
    const { headers } = await app.get(`/customers/${id}/`, { headers: READER })
    t.match(headers['cache-status'], /fwd=stale/, `${id} was dropped`)
  }
})

t.test('a created customer’s parent and the parent’s other children are dropped', async (t) => {
  const { upstream, app } = await start(t)
  upstream.state.addCustomer('7', '90020')
  await app.get('/customers/90020/', { headers: READER })
  const body = {
    name: 'Branch',
    parent_id: 90020,
    addresses: [ADDRESS],
    contacts: [{ name: 'A B', email: 'a@example.com' }],
  }
  const reply = await app.get('/locations/5/customers', {
    method: 'POST',
    headers: DISPATCHER,
    body: JSON.stringify(body),
  })
  t.equal(reply.status, 200, reply.body.slice(0, 200))
  const { headers } = await app.get('/customers/90020/', { headers: READER })
  t.match(headers['cache-status'], /fwd=stale/)
})

t.test('a refused write leaves every hit as it was', async (t) => {
  const { app } = await start(t)
  await app.get('/customers/1/', { headers: READER })
  const refused = await app.get('/customers/1', {
    method: 'PATCH',
    headers: { ...READER, 'content-type': 'application/json' },
    body: '{"name": "x"}',
  })
  t.equal(refused.status, 403)
  t.match((await app.get('/customers/1/', { headers: READER })).headers['cache-status'], /hit/)
})

t.test('while a write is under way reads go to the upstream and nothing is stored', async (t) => {
  const { upstream, app } = await start(t)
  await app.get('/customers/1/', { headers: READER })
  const hold = upstream.controls.hold({ match: ({ method }) => method === 'PATCH' })
  const write = app.get('/customers/1', {
    method: 'PATCH',
    headers: DISPATCHER,
    body: '{"name": "New"}',
  })
  await upstream.received(({ method }) => method === 'PATCH')
  for (let i = 0; i < 2; i++) {
    const read = await app.get('/customers/1/', { headers: READER })
    t.equal(read.headers['cache-status'], 'layby; fwd=stale; fwd-status=200; detail=reject.fence')
  }
  hold.release()
  t.equal((await write).status, 200)
  const after = await app.get('/customers/1/', { headers: READER })
  t.match(after.body, /"New"/)
  t.match(after.headers['cache-status'], /stored/)
})

t.test(
  'a write whose outcome never comes invalidates, and keeps doing so for as long as it may yet be applied',
  async (t) => {
    const { upstream, app } = await start(t)
    await app.get('/customers/1/', { headers: READER })
    upstream.controls.failNext({
      reset: true,
      applied: true,
      match: ({ method }) => method === 'PATCH',
    })
    const write = await app.get('/customers/1', {
      method: 'PATCH',
      headers: DISPATCHER,
      body: '{"name": "Lost"}',
    })
    t.equal(write.status, 502)
    const read = await app.get('/customers/1/', { headers: READER })
    t.match(read.body, /"Lost"/)
    t.match(read.headers['cache-status'], /reject\.fence/, 'not stored yet')
    app.clock.advance(13_000)
    t.match((await app.get('/customers/1/', { headers: READER })).headers['cache-status'], /stored/)
  },
)

t.test('a write to another tenant’s customer of the same id drops nothing here', async (t) => {
  const { upstream, app } = await start(t)
  upstream.state.addToken(tokenOf('neighbour', { 9: 'Dispatcher' }))
  await app.get('/customers/1/', { headers: READER })
  const write = await app.get('/customers/1', {
    method: 'PATCH',
    headers: { ...DISPATCHER, authorization: bearer('neighbour'), 'x-tenant-id': '9' },
    body: '{"name": "Elsewhere"}',
  })
  t.equal(write.status, 200)
  t.match((await app.get('/customers/1/', { headers: READER })).headers['cache-status'], /hit/)
})
