import t from 'tap'
import { ROLES } from '../../../demo/roles.ts'
import { setUp, tokenOf } from './harness.ts'

const path = '/customers/1'
const token = tokenOf('Dispatcher')

t.test('each kind of refusal has its status', async (t) => {
  const { call, upstream } = await setUp(t)
  upstream.state.addToken({ token: 'gone.token', clientId: 'gone', roles: { '7': 'Admin' } })
  upstream.state.revoke('gone.token')
  const cases = [
    { status: 401, call: { path } },
    { status: 401, call: { path, token: 'unknown.token' } },
    { status: 401, call: { path, token: 'gone.token' } },
    { status: 401, call: { path, headers: { Authorization: token } } },
    { status: 400, call: { path, token, tenant: null } },
    { status: 400, call: { path, token, tenant: 'seven' } },
    { status: 400, call: { path, token, tenant: '9223372036854775808' } },
    { status: 400, call: { path, token, version: '2020/01/01' } },
    { status: 403, call: { path, token, tenant: '9' } },
    { status: 403, call: { path, token: tokenOf('Public') } },
    { status: 403, call: { path, token: tokenOf('ThirdPartyAdmin') } },
    { status: 403, call: { method: 'PATCH', path, token: tokenOf('Driver'), body: {} } },
    { status: 404, call: { path: '/customers/31', token } },
    { status: 404, call: { path: '/customers/1.css', token } },
    { status: 404, call: { path: '/elsewhere' } },
    { status: 405, call: { method: 'DELETE', path, token } },
    { status: 405, call: { method: 'HEAD', path, token } },
    { status: 200, call: { path: '/customers/001', token, tenant: '07' } },
    { status: 200, call: { path: '/customers/%31', token } },
    { status: 200, call: { path, headers: { Authorization: `bEARER ${token}` } } },
  ]
  for (const { status, call: wanted } of cases) {
    const got = await call(wanted)
    t.equal(got.status, status, JSON.stringify(wanted))
    if (status >= 400 && wanted.method !== 'HEAD') {
      t.same(Object.keys(JSON.parse(got.text)), ['field', 'detail', 'explanation'])
    }
  }
})

t.test('a role change and a revocation hold from the next request on', async (t) => {
  const { call, upstream } = await setUp(t)
  const full = await call({ path, token })
  upstream.state.setRole(token, '7', 'Driver')
  t.not((await call({ path, token })).text, full.text)
  upstream.state.setRole(token, '7', undefined)
  t.equal((await call({ path, token })).status, 403)
  upstream.state.revoke(token)
  t.equal((await call({ path, token })).status, 401)
})

t.test('tenants and customers beyond 2^53 are told apart', async (t) => {
  const { call, upstream } = await setUp(t)
  const [even, odd] = ['9007199254740992', '9007199254740993']
  upstream.state.addToken({ token: 'big.even', clientId: 'big', roles: { [even]: 'Admin' } })
  upstream.state.addToken({ token: 'big.odd', clientId: 'big', roles: { [odd]: 'Admin' } })
  t.equal((await call({ path, token: 'big.even', tenant: odd })).status, 403)
  const inEven = await call({ path, token: 'big.even', tenant: even })
  t.not(inEven.text, (await call({ path, token: 'big.odd', tenant: odd })).text)
  for (const id of [even, odd, '9223372036854775807']) {
    upstream.state.addCustomer('7', id)
    const got = await call({ path: `/customers/${id}`, token })
    t.match(got.text, `"id": ${id}, `)
    t.match(got.text, `"customer_id": ${id}, `)
  }
  const patch = { method: 'PATCH', path: `/customers/${odd}`, token }
  t.match((await call({ ...patch, body: `{"parent_id": ${even}}` })).text, `"parent_id": ${even}}`)
  t.equal((await call({ ...patch, body: '{"parent_id": 9007199254740991}' })).status, 400)
})

t.test('tenants lists what the caller is assigned to and refuses what it is not', async (t) => {
  const { call, upstream } = await setUp(t)
  const roles = new Map([
    ['7', 'Public' as const],
    ['9007199254740993', 'Driver' as const],
  ])
  upstream.state.addToken({ token: 'two.tenants', clientId: 'two', roles })
  const got = await call({ path: '/tenants', token: 'two.tenants', tenant: null })
  t.match(got.text, '"id": 9007199254740993')
  t.match(got.text, '"total_count": 2, "total_pages": 1}')
  t.equal((await call({ path: '/tenants', token: 'two.tenants' })).status, 200)
  t.equal((await call({ path: '/tenants', token: 'two.tenants', tenant: '8' })).status, 403)
  t.equal((await call({ path: '/tenants', token: 'two.tenants', tenant: 'x' })).status, 400)
  t.equal((await call({ path: '/tenants' })).status, 401)
})

t.test('a preflight is answered with 204 and the CORS set, without a token', async (t) => {
  const { call } = await setUp(t)
  const got = await call({ method: 'OPTIONS', path: '/customers/1/addresses', tenant: null })
  t.equal(got.status, 204)
  t.equal(got.headers['access-control-allow-methods'], 'GET,POST')
  t.equal(got.headers['content-length'], undefined)
})

t.test('roles are shown different things of the same customer', async (t) => {
  const { upstream } = await setUp(t)
  const { state } = upstream
  const show = (customer: string, role: string) => {
    const { status, body } = state.render('7', customer, role)
    return { status, ...(status === 200 ? JSON.parse(body.toString()) : {}) }
  }
  state.write({ tenant: '7', method: 'DELETE', path: locationOf(show('1', 'Admin'), 1) })
  const full = show('1', 'Dispatcher')
  t.same(show('1', 'Admin'), full)
  t.ok(full.contacts[0].email.length > 0)
  const driver = show('1', 'Driver')
  t.match(driver, { contacts: [{ email: '', fax: null }], name: full.name })
  t.ok(driver.locations.every((location: { note: null }) => location.note === null))
  t.equal(show('1', 'CrmUser').locations.length, full.locations.length - inactive(full))
  t.equal(show('1', 'ThirdPartyDispatcher').locations.length, 1)
  t.match(show('1', 'ThirdPartyDriver'), { contacts: [{ email: '' }] })
  const client = show('1', 'ClientCustomer')
  t.ok(client.locations.every((location: { is_active: boolean }) => location.is_active))
  t.same(
    ROLES.filter((role) => show('1', role).status === 403),
    ['Public', 'ThirdPartyAdmin', 'ThirdPartyCrmUser'],
  )
  t.same(
    ROLES.filter((role) => show('8', role).status === 404),
    ['ThirdPartyDispatcher', 'ThirdPartyDriver', 'ClientCustomer'],
  )
  t.same(
    ROLES.filter((role) => show('9', role).status === 404),
    ['ThirdPartyDispatcher', 'ThirdPartyDriver'],
  )
})

function locationOf(customer: { locations: { location_id: number }[] }, index: number): string {
  return `/customers/1/locations/${customer.locations[index]?.location_id}`
}

function inactive(customer: { locations: { is_active: boolean }[] }): number {
  return customer.locations.filter((location) => !location.is_active).length
}

t.test('what render tells is what the server sends, for a token as for its role', async (t) => {
  const { call, upstream } = await setUp(t)
  for (const role of ROLES) {
    for (const customer of ['1', '2', '8', '9', '99']) {
      const got = await call({ path: `/customers/${customer}`, token: tokenOf(role) })
      for (const who of [tokenOf(role), role]) {
        const told = upstream.state.render('7', customer, who)
        t.equal(told.status, got.status)
        t.equal(told.reason, got.reason)
        t.equal(told.body.toString(), got.text)
        t.equal(told.headers['Allow'], got.headers['allow'])
        t.equal(told.headers['Content-Length'], got.headers['content-length'])
      }
    }
  }
  t.equal(upstream.state.render('7', '1', 'unknown.token').status, 401)
  t.equal(upstream.state.render('8', '1', token).status, 403)
  t.equal(upstream.state.listTokens().length, ROLES.length)
})
