import t from 'tap'
import {
  CACHED_ROUTES,
  isSafeMethod,
  matchRead,
  matchWrite,
  type Staleness,
  WRITE_ROWS,
} from '../../../src/contract/routes.ts'

/** Path → the id of the customer, or why it is none. */
const READS: Readonly<Record<string, string>> = {
  '/customers/1': '1',
  '/customers/1/': '1',
  '/customers/9223372036854775807': '9223372036854775807',
  '/customers/9007199254740993/': '9007199254740993',
  '/customers/0': 'invalid-parameter',
  '/customers/00/': 'invalid-parameter',
  '/customers/007': 'invalid-parameter',
  '/customers/+7': 'invalid-parameter',
  '/customers/-7': 'invalid-parameter',
  '/customers/9223372036854775808': 'invalid-parameter',
  [`/customers/${'1'.repeat(65)}`]: 'invalid-parameter',
  '/': 'none',
  '/customers': 'none',
  '/customers/': 'none',
  '/Customers/1': 'none',
  '/CUSTOMERS/1': 'none',
  '/customers/1.css': 'none',
  '/customers/1.0': 'none',
  '/customers/1e3': 'none',
  '/customers/0x1': 'none',
  '/customers/search': 'none',
  '/customers/1/x.js': 'none',
  '/customers/1/contacts': 'none',
  '/customers/1/contacts/': 'none',
  '/customers/1//': 'none',
  '//customers/1': 'none',
  '/v0/customers/1': 'none',
  '/customer/1': 'none',
  '/customers/%31': 'none',
  '/customers/１': 'none',
  '/locations/1/customers/1': 'none',
}

for (const [path, expected] of Object.entries(READS)) {
  t.test(`a read of ${path.slice(0, 40)} is ${expected}`, (t) => {
    const matched = matchRead(path)
    if (matched.kind === 'cached') {
      t.same(matched.match.params, [expected])
      t.equal(matched.match.route.name, 'customer')
    } else {
      t.equal(matched.kind, expected)
    }
    if (matched.kind === 'invalid-parameter') t.equal(matched.parameter, 'customer_id')
    t.end()
  })
}

t.test('names of cached routes are unique: they are in keys', (t) => {
  t.equal(new Set(CACHED_ROUTES.map(({ name }) => name)).size, CACHED_ROUTES.length)
  t.end()
})

const ADDRESSES: readonly Staleness[] = ['subject', 'family']
const LINKS: readonly Staleness[] = ['subject', 'family', 'parents']

interface Row {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly subject: string | null
  readonly drops: readonly Staleness[]
}

/** Contract section 8.3, row by row. */
const WRITES: readonly Row[] = [
  { id: 'W1', method: 'PATCH', path: '/customers/7', subject: '7', drops: LINKS },
  { id: 'W2', method: 'POST', path: '/customers/7/addresses', subject: '7', drops: ADDRESSES },
  { id: 'W3', method: 'PATCH', path: '/customers/7/addresses/8', subject: '7', drops: ADDRESSES },
  { id: 'W4', method: 'DELETE', path: '/customers/7/addresses/8', subject: '7', drops: ADDRESSES },
  { id: 'W5', method: 'POST', path: '/customers/7/contacts', subject: '7', drops: ['subject'] },
  { id: 'W6', method: 'PATCH', path: '/customers/7/contacts/8', subject: '7', drops: ['subject'] },
  { id: 'W7', method: 'POST', path: '/customers/7/locations/8', subject: '7', drops: ['subject'] },
  { id: 'W8', method: 'PATCH', path: '/customers/7/locations/8', subject: '7', drops: ['subject'] },
  {
    id: 'W9',
    method: 'DELETE',
    path: '/customers/7/locations/8',
    subject: '7',
    drops: ['subject'],
  },
  {
    id: 'W10',
    method: 'POST',
    path: '/locations/8/customers',
    subject: null,
    drops: ['created', 'parents'],
  },
  // "any other unsafe method": as W1 for the customer if the path names one, else the tenant.
  { id: 'other', method: 'DELETE', path: '/customers/7', subject: '7', drops: LINKS },
  { id: 'other', method: 'PUT', path: '/customers/7', subject: '7', drops: LINKS },
  { id: 'other', method: 'POST', path: '/customers/7', subject: '7', drops: LINKS },
  { id: 'other', method: 'PUT', path: '/customers/7/addresses/8', subject: '7', drops: LINKS },
  { id: 'other', method: 'DELETE', path: '/customers/7/contacts/8', subject: '7', drops: LINKS },
  { id: 'other', method: 'POST', path: '/customers/7/merge/into/9', subject: '7', drops: LINKS },
  { id: 'other', method: 'POST', path: '/customers/7/addresses/8/x', subject: '7', drops: LINKS },
  { id: 'other', method: 'PATCH', path: '/locations/8/customers/7', subject: '7', drops: LINKS },
  { id: 'other', method: 'DELETE', path: '/locations/8/customers/7', subject: '7', drops: LINKS },
  { id: 'other', method: 'POST', path: '/locations/8/customers/7/x/y', subject: '7', drops: LINKS },
  { id: 'other', method: 'PATCH', path: '/locations/8/customers', subject: null, drops: [] },
  { id: 'other', method: 'POST', path: '/customers', subject: null, drops: [] },
  { id: 'other', method: 'DELETE', path: '/customers', subject: null, drops: [] },
]

/** Spellings that the upstream may take for the same path. */
const SPELLINGS: Readonly<Record<string, (path: string) => string>> = {
  'as it is': (path) => path,
  'with a final slash': (path) => `${path}/`,
  'in upper case': (path) => path.toUpperCase(),
  'with leading zeros': (path) => path.replaceAll('7', '007'),
}

for (const { id, method, path, subject, drops } of WRITES) {
  for (const [name, spell] of Object.entries(SPELLINGS)) {
    t.test(`${method} ${path}, ${name}, is ${id}`, (t) => {
      const matched = matchWrite(method, spell(path))
      t.equal(matched?.row.id, id)
      t.equal(matched?.subject, subject)
      t.same(matched?.row.drops, drops)
      t.end()
    })
  }
}

t.test('every row of the table is reached by a case above', (t) => {
  const reached = new Set(WRITES.map(({ method, path }) => matchWrite(method, path)?.row))
  t.equal(reached.size, WRITE_ROWS.length)
  t.end()
})

t.test('a write to something that is no id still counts as one below a customer', (t) => {
  for (const id of [
    'search',
    '0',
    '-7',
    '+7',
    '7.0',
    '9223372036854775808',
    '%37',
    '1'.repeat(65),
  ]) {
    for (const below of ['', '/contacts', '/x']) {
      const matched = matchWrite('POST', `/customers/${id}${below}`)
      t.not(matched, null, `${id}${below}`)
      t.equal(matched?.subject, null)
      t.ok(matched?.row.drops.includes('subject'))
    }
  }
  t.equal(matchWrite('PATCH', `/customers/${'0'.repeat(60)}7`)?.subject, '7')
  t.end()
})

t.test('unsafe methods elsewhere change no customer', (t) => {
  for (const path of [
    '/',
    '/jobs',
    '/jobs/7',
    '/locations/8',
    '/locations/8/jobs/7',
    '/customers2/7',
    '/customersx',
    '/v0/customers/7',
    '/hooks',
  ]) {
    for (const method of ['POST', 'PATCH', 'PUT', 'DELETE']) {
      t.equal(matchWrite(method, path), null, `${method} ${path}`)
    }
  }
  t.end()
})

t.test('safe methods never change anything', (t) => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'QUERY']) {
    t.ok(isSafeMethod(method))
    for (const { path } of WRITES) t.equal(matchWrite(method, path), null)
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'get', 'PURGE', 'query', 'SEARCH', '']) {
    t.notOk(isSafeMethod(method), method)
  }
  t.end()
})
