import t from 'tap'
import type { Caller, Got } from './harness.ts'
import { setUp, tokenOf } from './harness.ts'

const token = tokenOf('Dispatcher')

const ADDRESS = {
  country: 'US',
  is_billing: true,
  is_shipping: true,
  latitude: 45,
  line_1: '1 New St',
  locality: 'Milbrook',
  longitude: -122.5,
  postcode: '97299',
  region: 'OR',
}

/** Customer 1 is the parent of 2 and 3, who have no billing address of their own; 4 is nobody's. */
interface Scene {
  readonly call: Caller
  readonly address: number
  readonly contact: number
  readonly location: number
}

const FREE_LOCATION = 500
const NEW_CUSTOMER = 31

function readsOf({ address, contact, location }: Scene): Record<string, string> {
  return {
    'R1(1)': '/customers/1',
    'R1(1) with slash': '/customers/1/',
    'R1(2)': '/customers/2',
    'R1(3)': '/customers/3',
    'R1(4)': '/customers/4',
    'R1(new)': `/customers/${NEW_CUSTOMER}`,
    R2: '/customers',
    R3: '/customers/1/addresses',
    R4: `/customers/1/addresses/${address}`,
    R5: '/customers/1/contacts',
    R6: `/customers/1/contacts/${contact}`,
    R7: '/customers/1/locations',
    R8: `/customers/1/locations/${location}`,
    R9: `/locations/${location}/customers`,
    R10: `/locations/${location}/customers/1`,
    'R8(free)': `/customers/1/locations/${FREE_LOCATION}`,
    'R9(free)': `/locations/${FREE_LOCATION}/customers`,
    'R10(free)': `/locations/${FREE_LOCATION}/customers/1`,
  }
}

async function readAll(scene: Scene): Promise<Record<string, string>> {
  const bodies: Record<string, string> = {}
  for (const [name, path] of Object.entries(readsOf(scene))) {
    bodies[name] = (await scene.call({ path, token })).text
  }
  return bodies
}

interface Case {
  readonly id: string
  readonly write: (scene: Scene) => { method: string; path: string; body?: object }
  readonly changes: readonly string[]
}

const OWN = ['R1(1)', 'R1(1) with slash', 'R2']
const CHILDREN = ['R1(2)', 'R1(3)']
const PROFILES = ['R7', 'R8', 'R9', 'R10']

const CASES: readonly Case[] = [
  {
    id: 'W1',
    write: () => ({ method: 'PATCH', path: '/customers/1', body: { name: 'Renamed' } }),
    changes: [...OWN, ...CHILDREN, ...PROFILES],
  },
  {
    id: 'W1 (parent)',
    write: () => ({ method: 'PATCH', path: '/customers/1', body: { parent_id: 4 } }),
    changes: [...OWN, ...PROFILES],
  },
  {
    id: 'W2',
    write: () => ({ method: 'POST', path: '/customers/1/addresses', body: ADDRESS }),
    changes: [...OWN, ...CHILDREN, 'R3', 'R4', ...PROFILES],
  },
  {
    id: 'W3',
    write: ({ address }) => ({
      method: 'PATCH',
      path: `/customers/1/addresses/${address}`,
      body: ADDRESS,
    }),
    changes: [...OWN, ...CHILDREN, 'R3', 'R4', ...PROFILES],
  },
  {
    id: 'W4',
    write: ({ address }) => ({ method: 'DELETE', path: `/customers/1/addresses/${address}` }),
    changes: [...OWN, ...CHILDREN, 'R3', 'R4', ...PROFILES],
  },
  {
    id: 'W5',
    write: () => ({ method: 'POST', path: '/customers/1/contacts', body: { name: 'New' } }),
    changes: [...OWN, 'R5', ...PROFILES],
  },
  {
    id: 'W6',
    write: ({ contact }) => ({
      method: 'PATCH',
      path: `/customers/1/contacts/${contact}`,
      body: { number: '1' },
    }),
    changes: [...OWN, 'R5', 'R6', ...PROFILES],
  },
  {
    id: 'W7',
    write: () => ({ method: 'POST', path: `/customers/1/locations/${FREE_LOCATION}` }),
    changes: [...OWN, 'R7', 'R8(free)', 'R9(free)', 'R10(free)'],
  },
  {
    id: 'W8',
    write: ({ location }) => ({
      method: 'PATCH',
      path: `/customers/1/locations/${location}`,
      body: { note: 'Changed' },
    }),
    changes: [...OWN, ...PROFILES],
  },
  {
    id: 'W9',
    write: ({ location }) => ({ method: 'DELETE', path: `/customers/1/locations/${location}` }),
    changes: [...OWN, ...PROFILES],
  },
  {
    id: 'W10',
    write: ({ location }) => ({
      method: 'POST',
      path: `/locations/${location}/customers`,
      body: { name: 'Newcomer', parent_id: 1, addresses: [ADDRESS], contacts: [{ name: 'Jo' }] },
    }),
    changes: ['R1(new)', 'R2', 'R9'],
  },
]

for (const { id, write, changes } of CASES) {
  t.test(`${id} changes just the reads that depend on it`, async (t) => {
    const { call } = await setUp(t)
    const first = JSON.parse((await call({ path: '/customers/1', token })).text)
    const scene = {
      call,
      address: first.addresses[0].id,
      contact: first.contacts[0].id,
      location: first.locations[0].location_id,
    }
    const before = await readAll(scene)
    const got = await call({ ...write(scene), token })
    t.equal(got.status, 200)
    const after = await readAll(scene)
    const changed = Object.keys(after).filter((name) => after[name] !== before[name])
    t.same(changed.sort(), [...changes].sort())
  })
}

t.test('each write answers with the record it made', async (t) => {
  const { call } = await setUp(t)
  const send = async (method: string, path: string, body?: object | string) => {
    const got = await call({ method, path, token, ...(body === undefined ? {} : { body }) })
    t.equal(got.status, 200)
    return JSON.parse(got.text)
  }
  const w1 = await send('PATCH', '/customers/5', { name: 'Żaba', parent_id: 4 })
  t.match(w1, { id: 5, name: 'Żaba', parent_id: 4 })
  t.match(await send('PATCH', '/customers/5', { parent_id: null }), { parent_id: null })
  const w2 = await send('POST', '/customers/5/addresses', ADDRESS)
  t.match(w2, { ...ADDRESS, is_physical: true, is_active: true, line_2: null })
  const r1 = await send('GET', '/customers/5')
  t.match(r1.addresses, [{ is_billing: false, is_shipping: false }, { id: w2.id }])
  const w4 = await send('DELETE', `/customers/5/addresses/${w2.id}`)
  t.equal(w4.is_active, false)
  const w5 = await send('POST', '/customers/5/contacts', { email: 'a@example.com', name: 'A' })
  t.match(w5, { email: 'a@example.com', fax: null, notify_on_new_request: false })
  const notify = { notify_on_new_request: 'TRUE' }
  t.match(await send('PATCH', `/customers/5/contacts/${w5.id}`, notify), {
    name: 'A',
    notify_on_new_request: true,
  })
  const w7 = await send('POST', '/customers/5/locations/500', { account_number_1: 'A1' })
  t.match(w7, { customer_id: 5, location_id: 500, account_number_1: 'A1', is_active: true })
  const w9 = await send('DELETE', '/customers/5/locations/500')
  t.match(w9, { is_active: false, last_updated_on: w7.last_updated_on })
  t.match(await send('PATCH', '/customers/5/locations/500', { is_active: true }), {
    is_active: true,
  })
  const w10 = await send('POST', '/locations/500/customers', {
    name: 'New',
    addresses: [ADDRESS],
    contacts: [],
    note: 'Hello',
  })
  t.match(w10, { customer_id: NEW_CUSTOMER, location_id: 500, note: 'Hello', name: 'New' })
})

t.test('what does not fit is refused and changes nothing', async (t) => {
  const { call, upstream } = await setUp(t)
  const { line_1: _left, ...incomplete } = ADDRESS
  const cases: [number, string, string, (object | string)?][] = [
    [400, 'PATCH', '/customers/1', { name: 7 }],
    [400, 'PATCH', '/customers/1', { name: '' }],
    [400, 'PATCH', '/customers/1', { parent_id: '4' }],
    [400, 'PATCH', '/customers/1', { parent_id: 1 }],
    [400, 'PATCH', '/customers/1', { parent_id: 4.5 }],
    [400, 'PATCH', '/customers/1', { parent_id: 999 }],
    [400, 'PATCH', '/customers/1', { __proto: 1 }],
    [400, 'PATCH', '/customers/1', '{"name": '],
    [400, 'PATCH', '/customers/1', '[]'],
    [400, 'PATCH', '/customers/1'],
    [400, 'POST', '/customers/1/addresses', incomplete],
    [400, 'POST', '/customers/1/addresses', { ...ADDRESS, latitude: 91 }],
    [400, 'POST', '/customers/1/contacts', { notify_on_new_request: 2 }],
    [400, 'PATCH', '/customers/1/locations/999', { note: 1 }],
    [404, 'PATCH', '/customers/1/addresses/1', ADDRESS],
    [404, 'PATCH', '/customers/999', { name: 'x' }],
    [409, 'POST', '/customers/1/locations/500'],
    [400, 'POST', '/locations/1/customers', { name: 'x', addresses: [], contacts: [] }],
  ]
  await call({ method: 'POST', path: '/customers/1/locations/500', token })
  const before = upstream.state.version('7', '1')
  for (const [status, method, path, body] of cases) {
    const got: Got = await call({ method, path, token, ...(body === undefined ? {} : { body }) })
    const expected = path.endsWith('/999') ? 404 : status
    t.equal(got.status, expected, `${method} ${path} ${JSON.stringify(body)}`)
  }
  t.equal(upstream.state.version('7', '1'), before)
  const twin = { name: 'Twin', addresses: [ADDRESS], contacts: [] }
  const create = { method: 'POST', path: '/locations/1/customers', token, body: twin }
  t.equal((await call(create)).status, 200)
  t.equal((await call(create)).status, 409)
})
