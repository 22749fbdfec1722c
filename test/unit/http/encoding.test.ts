import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t from 'tap'
import type { Representation } from '../../../src/cache/records.ts'
import { AVAILABLE, chooseCoding, compress } from '../../../src/http/encoding.ts'
import { bodyIn, codingFor, formBytes } from '../../../src/http/forms.ts'

const json = (length: number): Buffer =>
  Buffer.from(`{"pad": "${'driver '.repeat(length)}"}`.slice(0, length))
const shown = (body: Buffer): Representation => ({
  kind: 'representation',
  digest: 'D',
  status: 200,
  reason: 'OK',
  headers: [],
  date: null,
  body,
  etag: '"noAUUuJrsMN8nKfDR2nN0g"',
  version: '2023/04/19',
  generatedAt: 0,
  servedAt: 0,
  confirmedAt: 0,
  freshUntil: 1,
  staleUntil: 1,
  stamp: [],
})

t.test('the client gets what it likes best of what there is', (t) => {
  for (const [field, expected] of [
    [null, null],
    ['', null],
    ['identity', null],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate, br', 'br'],
    ['gzip;q=1.0, br;q=0.5', 'gzip'],
    ['gzip;q=0', null],
    ['br;q=0, gzip', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *;q=0', null],
    ['identity;q=1, gzip;q=0.5', null],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['deflate, compress', null],
    ['gzip;q=2', null],
    ['gzip;q=0.1234', null],
    [' gzip ; q=0.9 ,\tbr;q=0.8', 'gzip'],
    ['gzip;level=9', null],
    [',,gzip,', 'gzip'],
  ] as const) {
    t.equal(chooseCoding(field), expected, String(field))
    t.equal(chooseCoding(field), expected, 'remembered')
  }
  t.end()
})

t.test('what hostile clients make it remember stays bounded and right', (t) => {
  // What remembers is no one else's business, so it is found by what it is told.
  const { set } = Map.prototype
  t.teardown(() => {
    Map.prototype.set = set
  })
  let largest = 0
  Map.prototype.set = function (key: unknown, value: unknown) {
    const map = set.call(this, key, value)
    if (String(key).startsWith('gzip;q=0.5, x')) largest = Math.max(largest, map.size)
    return map
  }
  for (let i = 0; i < 1_000; i++) t.equal(chooseCoding(`gzip;q=0.5, x${i}`), 'gzip')
  t.ok(largest > 1 && largest <= 256, `${largest} were remembered`)
  t.end()
})

t.test('every coding gives the body back, and is made once', (t) => {
  const representation = shown(json(5_000))
  const decoded = { br: brotliDecompressSync, gzip: gunzipSync }
  for (const coding of ['br', 'gzip'] as const) {
    const body = bodyIn(representation, coding)
    t.ok(decoded[coding](body).equals(representation.body))
  }
  t.equal(bodyIn(representation, null), representation.body)
  for (const coding of AVAILABLE) t.ok(compress(json(5_000), coding).length < 1_000, coding)
  t.end()
})

t.test('bodies under 1 kB, and very long ones, are left as they are', (t) => {
  for (const [length, expected] of [
    [1_023, null],
    [1_024, 'gzip'],
    [131_072, 'gzip'],
    [131_073, null],
  ] as const) {
    t.equal(codingFor(shown(json(length)), 'gzip'), expected, String(length))
    t.equal(formBytes(length) > 0, expected !== null)
  }
  t.end()
})

t.test('what is kept of a form is as long as the form', (t) => {
  for (const coding of AVAILABLE) {
    const body = compress(json(2_000), coding)
    t.ok(body.length < 1_000)
    t.equal(body.buffer.byteLength, body.length, coding)
  }
  t.end()
})
