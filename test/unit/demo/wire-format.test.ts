import t from 'tap'
import { generateCustomer } from '../../../demo/data.ts'
import { parse, serialize } from '../../../demo/json.ts'
import { benchToken, SAMPLE_TOKENS } from '../../../demo/sample-tokens.ts'
import { customerJson } from '../../../demo/views.ts'
import { setUp, tokenOf } from './harness.ts'
import { SAMPLE_CUSTOMER, SAMPLE_ERROR } from './sample.ts'

t.test('the serialiser writes the published sample byte for byte', async (t) => {
  const value = parse(SAMPLE_CUSTOMER)
  t.ok(value !== undefined)
  t.equal(Buffer.byteLength(SAMPLE_CUSTOMER), 1859)
  t.equal(serialize(value ?? null), SAMPLE_CUSTOMER)
})

t.test('numbers, escapes and odd keys survive reading and writing', async (t) => {
  const same = [
    '9223372036854775807',
    '[0.0, 45.0, 5e-05, 1e-07, 45.512794]',
    '{"__proto__": 1, "i5": "i5", "s": "s\\u0000\\\\\\"\\n"}',
    '"\\u007f\\u00e9\\ud83d\\ude9a\\ud800"',
    '[true, false, null, [], {}]',
  ]
  for (const text of same) t.equal(serialize(parse(text) ?? null), text)
  t.equal(serialize(parse('{"b":1,"a":"é"}') ?? null), '{"a": "\\u00e9", "b": 1}')
  for (const text of ['', '01', '{', '{"a":1,}', 'NaN', "'a'"]) t.equal(parse(text), undefined)
})

type Shape = string | Shape[] | { [key: string]: Shape }

function shapeOf(value: unknown): Shape {
  if (Array.isArray(value)) return [...new Set(value.map((one) => JSON.stringify(shapeOf(one))))]
  if (typeof value !== 'object' || value === null) return 'value'
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shapeOf(member)]))
}

t.test('generated customers have the shape and about the size of the sample', async (t) => {
  const expected = shapeOf(JSON.parse(SAMPLE_CUSTOMER))
  let bytes = 0
  for (let number = 1; number <= 200; number += 1) {
    const customer = generateCustomer({
      seed: 1,
      tenant: '7',
      id: String(number),
      parentId: null,
    })
    const text = serialize(customerJson(customer, undefined, 'full'))
    t.same(shapeOf(JSON.parse(text)), expected)
    t.match(text, /^[ -~]+$/)
    bytes += text.length
  }
  t.ok(Math.abs(bytes / 200 - 1859) < 100, `mean size ${bytes / 200}`)
})

t.test('the same seed makes the same data, another seed or tenant other data', async (t) => {
  const make = (seed: number, tenant: string) =>
    serialize(
      customerJson(generateCustomer({ seed, tenant, id: '5', parentId: null }), undefined, 'full'),
    )
  t.equal(make(1, '7'), make(1, '7'))
  t.not(make(1, '7'), make(2, '7'))
  t.not(make(1, '7'), make(1, '9'))
})

t.test(
  'an answer carries the header set of the published sample and no cache metadata',
  async (t) => {
    const { call } = await setUp(t)
    const id = '7E1D3C2A-5b6c-4d7e-8f90-a1b2c3d4e5f6'
    const token = tokenOf('Dispatcher')
    const got = await call({ path: '/customers/1', token, headers: { 'X-REQUEST-ID': id } })
    const { date, connection: _connection, ...headers } = got.headers
    t.ok(Date.parse(String(date)) > 0)
    t.same(headers, {
      'access-control-allow-headers': 'Authorization, Accept, X-TENANT-ID, Content-Type',
      'access-control-allow-methods': 'GET,PATCH',
      'access-control-allow-origin': '*',
      allow: 'GET,PATCH',
      'content-length': String(Buffer.byteLength(got.text)),
      'content-type': 'application/json',
      'x-api-version': '2019/02/08',
      'x-request-id': id,
    })
    t.equal(got.reason, 'OK')
    const other = await call({ path: '/customers/1/', token, headers: { 'X-REQUEST-ID': 'mine' } })
    t.match(other.headers['x-request-id'], /^[0-9a-f-]{36}$/)
    t.equal(other.text, got.text)
  },
)

t.test('a rejected field is told as in the published error, reason phrase included', async (t) => {
  const { call } = await setUp(t)
  const write = { method: 'PATCH', path: '/customers/1', token: tokenOf('Dispatcher') }
  const got = await call({ ...write, body: { nickname: 'x' } })
  t.equal(got.status, 400)
  t.equal(got.reason, 'UpdateCustomerModel.nickname: This field is not accepted.')
  t.equal(got.text, SAMPLE_ERROR)
  const odd = await call({ ...write, body: '{"\\r\\nX: é": 1}' })
  t.equal(odd.reason, 'UpdateCustomerModel.??X: ?: This field is not accepted.')
})

t.test("sample tokens fit the API's header pattern", async (t) => {
  const pattern = /^bearer [a-z0-9-_=]+.[a-z0-9-_=]+.?[a-z0-9-_.+/=]*$/i
  for (const { token } of [...Object.values(SAMPLE_TOKENS), benchToken(999_999)]) {
    t.match(`Bearer ${token}`, pattern)
  }
})
