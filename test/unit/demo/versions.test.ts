import t from 'tap'
import { setUp, tokenOf } from './harness.ts'

const path = '/customers/1'

t.test('an explicit version sticks to the OAuth client, not to the token', async (t) => {
  const { call, upstream } = await setUp(t)
  const { state } = upstream
  state.addToken({ token: 'app.one', clientId: 'app', roles: { '7': 'Driver' } })
  state.addToken({ token: 'app.two', clientId: 'app', roles: { '9': 'Driver' } })
  const versionFor = async (token: string, tenant: string, version?: string) => {
    const got = await call({ path, token, tenant, ...(version === undefined ? {} : { version }) })
    return got.headers['x-api-version']
  }
  t.equal(await versionFor('app.one', '7'), '2019/02/08')
  t.equal(await versionFor('app.one', '7', '2021/11/04'), '2021/11/04')
  t.equal(await versionFor('app.one', '7'), '2021/11/04')
  t.equal(await versionFor('app.two', '9'), '2021/11/04', 'another token, another tenant')
  t.equal(await versionFor(tokenOf('Driver'), '7'), '2019/02/08', 'another client')
  t.equal(await versionFor('app.two', '9', '2019/02/08'), '2019/02/08')
  t.equal(await versionFor('app.one', '7'), '2019/02/08')
  t.equal(state.pinnedVersion('app'), '2019/02/08')
})

t.test('neither an invalid version nor a rendering changes the pin', async (t) => {
  const { call, upstream } = await setUp(t)
  const token = tokenOf('Driver')
  await call({ path, token, version: '2021/08/02' })
  const refused = await call({ path, token, version: '2021-11-04' })
  t.equal(refused.status, 400)
  t.equal(refused.headers['x-api-version'], '2021/08/02')
  const told = upstream.state.render('7', '1', token, '2023/04/19')
  t.equal(told.headers['X-API-VERSION'], '2023/04/19')
  t.equal(upstream.state.render('7', '1', token).headers['X-API-VERSION'], '2021/08/02')
  t.equal((await call({ path, token })).headers['x-api-version'], '2021/08/02')
})

t.test('R1 has the same bytes in each version, a location profile has not', async (t) => {
  const { call } = await setUp(t)
  const token = tokenOf('Dispatcher')
  const old = await call({ path, token, version: '2019/02/08' })
  t.equal((await call({ path, token, version: '2023/04/19' })).text, old.text)
  const location = JSON.parse(old.text).locations[0].location_id
  for (const profile of [`${path}/locations/${location}`, `/locations/${location}${path}`]) {
    const before = await call({ path: profile, token, version: '2019/02/08' })
    const after = await call({ path: profile, token, version: '2021/04/07' })
    t.match(JSON.parse(before.text), { customer_id: 1 })
    t.match(JSON.parse(after.text), { id: 1 })
    t.notOk('customer_id' in JSON.parse(after.text))
    t.notOk('id' in JSON.parse(before.text))
  }
})
