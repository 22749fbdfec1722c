import t from 'tap'
import { setUp, tokenOf } from './harness.ts'

const token = tokenOf('Dispatcher')

t.test(
  'the version register counts the writes that change R1, and each body shows it',
  async (t) => {
    const { call, upstream } = await setUp(t)
    const { state } = upstream
    const heard: string[] = []
    state.onChange(({ tenant, customer, version }) =>
      heard.push(`${tenant}/${customer}=${version}`),
    )
    t.equal(state.version('7', '1'), 1)
    await call({ method: 'PATCH', path: '/customers/1', token, body: { name: 'One' } })
    t.same(heard, ['7/1=2', '7/2=2', '7/3=2'])
    const same = {
      tenant: '7',
      method: 'PATCH',
      path: '/customers/1',
      body: { name: 'One' },
    } as const
    const direct = state.write(same)
    t.equal(direct.status, 200)
    t.same(heard.slice(3), ['7/1=3'], 'the children still show the same name')
    for (const role of ['Dispatcher', 'Driver', 'ClientCustomer'] as const) {
      const got = await call({ path: '/customers/1', token: tokenOf(role) })
      t.equal(state.versionOf('7', '1', got.text), 3)
    }
    t.equal(state.versionOf('7', '1', direct.body), 3)
    t.equal(state.version('7', '31'), undefined)
    t.equal(state.versionOf('7', '31', direct.body), undefined)
    t.equal(state.version('9', '1'), 1, 'a tenant of its own')
    t.throws(() => state.write({ ...same, path: '/nowhere' }), /no such path/)
  },
)

t.test(
  'a tenant of a million customers costs nothing until read, and forgets what was only read',
  async (t) => {
    const { call, upstream } = await setUp(t, { customersPerTenant: 1_000_000, pristineLimit: 10 })
    const last = await call({ path: '/customers/1000000', token })
    upstream.state.write({
      tenant: '7',
      method: 'PATCH',
      path: '/customers/500000',
      body: { name: 'Kept' },
    })
    for (let id = 1; id <= 40; id += 1) upstream.state.render('7', String(id), 'Admin')
    t.equal((await call({ path: '/customers/1000000', token })).text, last.text)
    t.match(JSON.parse((await call({ path: '/customers/500000', token })).text), { name: 'Kept' })
    const page = await call({ path: '/customers?page_index=10000&page_limit=100', token })
    t.match(JSON.parse(page.text), {
      current_limit: 100,
      current_page: 10_000,
      total_count: 100_000,
      total_pages: 1_000,
    })
    t.equal(JSON.parse(page.text).results.at(-1).id, 1_000_000)
  },
)

t.test('lists are filtered, paged and shown by role', async (t) => {
  const { call } = await setUp(t)
  const list = async (query: string, who = token) => {
    const got = await call({ path: `/customers?${query}`, token: who })
    return { status: got.status, ...JSON.parse(got.text) }
  }
  const idsOf = ({ results }: { results: { id: number }[] }) => results.map(({ id }) => id)
  t.same(idsOf(await list('parent_id=01')), [2, 3])
  t.same(idsOf(await list('is_parent=True')), [1, 11, 21])
  t.same(idsOf(await list('active=false')), [8, 18, 28])
  t.same(idsOf(await list('page_limit=2&page_index=3')), [5, 6])
  t.equal((await list('created_on_gte=2100-01-01')).total_count, 0)
  t.equal((await list('last_updated_gte=2019-01-01')).total_count, 30)
  t.equal((await list('', tokenOf('ThirdPartyDispatcher'))).total_count, 24)
  const named = JSON.parse((await call({ path: '/customers/4', token })).text)
  t.same(idsOf(await list(`name=${encodeURIComponent(named.name.toUpperCase())}`)), [4])
  const at = named.locations[0].location_id
  t.ok(idsOf(await list(`location_id=${at}`)).includes(4))
  for (const bad of ['page_limit=0', 'page_index=x', 'parent_id=x', 'active=maybe']) {
    t.equal((await list(bad)).status, 400)
  }
})
