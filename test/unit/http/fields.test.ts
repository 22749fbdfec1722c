import t from 'tap'
import { collectFields, type Fields } from '../../../src/http/fields.ts'

const NONE: Omit<Fields, 'count'> = {
  authorization: null,
  tenant: null,
  version: null,
  requestId: null,
  contentType: null,
  host: null,
  contentLength: null,
  transferEncoding: null,
  expect: null,
  cacheControl: null,
  pragma: null,
  origin: null,
  requestedMethod: null,
  requestedHeaders: null,
  ifMatch: null,
  ifNoneMatch: null,
  acceptEncoding: null,
  maxForwards: null,
  traceparent: null,
  tracestate: null,
  hasPassedHere: false,
  problem: null,
}

type Case = readonly [
  lines: readonly (readonly [name: string, value: string])[],
  expected: Partial<Fields>,
]

const CASES: Readonly<Record<string, Case>> = {
  'no lines': [[], {}],
  'unknown names': [
    [
      ['X-A', 'b'],
      ['__proto__', 'c'],
      ['constructor', 'd'],
      ['', ''],
    ],
    {},
  ],
  'each single field': [
    [
      ['Authorization', 'Bearer a.b'],
      ['X-Tenant-Id', '7'],
      ['X-Api-Version', '2019/02/08'],
      ['X-Request-Id', 'id'],
      ['Content-Type', 'a/b'],
      ['Host', 'h'],
      ['Content-Length', '1'],
    ],
    {
      authorization: 'Bearer a.b',
      tenant: '7',
      version: '2019/02/08',
      requestId: 'id',
      contentType: 'a/b',
      host: 'h',
      contentLength: '1',
    },
  ],
  'any letter case': [
    [
      ['x-tenant-id', '7'],
      ['AUTHORIZATION', 'a'],
    ],
    { tenant: '7', authorization: 'a' },
  ],
  'outer white space': [[['x-tenant-id', ' \t 7\t ']], { tenant: '7' }],
  'white space alone': [[['x-tenant-id', ' \t ']], { tenant: '' }],
  'no other white space is outer': [[['x-tenant-id', '\xa07\n']], { tenant: '\xa07\n' }],
  'list fields are joined in order': [
    [
      ['Cache-Control', 'no-store'],
      ['If-None-Match', '"a"'],
      ['cache-control', 'max-age=0'],
      ['if-none-match', '"b"'],
      ['Pragma', 'a'],
      ['Pragma', 'b'],
      ['Transfer-Encoding', 'gzip'],
      ['Transfer-Encoding', 'chunked'],
      ['Expect', 'foo'],
      ['Expect', '100-continue'],
    ],
    {
      cacheControl: 'no-store, max-age=0',
      ifNoneMatch: '"a", "b"',
      pragma: 'a, b',
      transferEncoding: 'gzip, chunked',
      expect: 'foo, 100-continue',
    },
  ],
  'two versions': [
    [
      ['x-api-version', '2019/02/08'],
      ['x-api-version', '2019/02/08'],
    ],
    { version: '2019/02/08', problem: 'unsupported_api_version' },
  ],
  'two request ids are none': [
    [
      ['x-request-id', 'a'],
      ['x-request-id', 'a'],
    ],
    { requestId: '' },
  ],
  'three request ids are none': [
    [
      ['x-request-id', 'a'],
      ['x-request-id', 'a'],
      ['x-request-id', 'a'],
    ],
    { requestId: '' },
  ],
  preflight: [[['Access-Control-Request-Method', 'PATCH']], { requestedMethod: 'PATCH' }],
  'harmless Connection options': [
    [
      ['Connection', 'close, Keep-Alive,,UPGRADE , te'],
      ['Connection', 'HTTP2-Settings'],
      ['Connection', ''],
    ],
    {},
  ],
  'the first problem counts': [
    [
      ['Connection', 'x'],
      ['Host', 'a'],
      ['Host', 'b'],
      ['x_tenant_id', '8'],
    ],
    { host: 'b', problem: 'forbidden_connection_option' },
  ],
}

for (const [name, [lines, expected]] of Object.entries(CASES)) {
  t.test(name, (t) => {
    t.strictSame(collectFields(lines.flat()), { count: lines.length, ...NONE, ...expected })
    t.end()
  })
}

for (const name of ['authorization', 'x-tenant-id', 'content-type', 'host', 'content-length']) {
  t.test(`a second ${name} is a problem, even an equal or empty one`, (t) => {
    for (const [first, second] of [
      ['1', '1'],
      ['1', '2'],
      ['', '1'],
      ['1', ''],
      ['', ''],
    ] as const) {
      t.equal(collectFields([name, first, name.toUpperCase(), second]).problem, 'duplicate_header')
    }
    t.equal(collectFields([name, '1']).problem, null)
    t.end()
  })
}

t.test('a name that differs from one of the contract by a separator is ambiguous', (t) => {
  for (const name of [
    'x_tenant_id',
    'x.tenant.id',
    'X-Tenant_Id',
    'x_api-version',
    'x-request.id',
    'content_type',
    'CONTENT.TYPE',
  ]) {
    t.equal(collectFields([name, '1']).problem, 'ambiguous_header', name)
  }
  for (const name of ['x-tenant', 'xtenantid', 'x__tenant_id', 'x_custom', 'a.b', 'x-tenant-id2']) {
    t.equal(collectFields([name, '1']).problem, null, name)
  }
  t.end()
})

t.test('Connection may name no header', (t) => {
  for (const value of [
    'x-tenant-id',
    'close, X-Tenant-Id',
    'authorization',
    'X-API-VERSION,close',
    'content-length',
    'x',
    '"close"',
    'close;a',
    'clo se',
    '\xa0close',
  ]) {
    t.equal(collectFields(['Connection', value]).problem, 'forbidden_connection_option', value)
  }
  t.end()
})

t.test('Via tells of an earlier passage, and only of one through here', (t) => {
  for (const value of [
    '1.1 layby',
    '1.0 fred, 1.1 layby',
    'HTTP/1.1 LAYBY',
    '1.1 layby (a), 1.1 b',
    ' 1.1\tlayby ,1.1 a',
  ]) {
    t.ok(collectFields(['Via', value]).hasPassedHere, value)
  }
  for (const value of [
    '',
    '1.1 layby2',
    '1.1 a-layby',
    '1.1 layby.test',
    'layby',
    '1.1 a (layby)',
    '1.1 a',
  ]) {
    t.notOk(collectFields(['Via', value]).hasPassedHere, value)
  }
  t.ok(collectFields(['Via', '1.1 a', 'via', '1.1 layby']).hasPassedHere)
  t.end()
})
