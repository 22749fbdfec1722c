import fc from 'fast-check'
import t from 'tap'
import {
  API_VERSIONS,
  isApiVersion,
  isBearerCredential,
  isCanonicalId,
  isUuid,
  matchesTokenPattern,
  mediaTypeOf,
} from '../../../src/contract/headers.ts'

/** Contract section 4, to the letter but for the place of `-`, without regard to case. */
const CONTRACT_PATTERN = /^bearer [a-z0-9_=-]+.[a-z0-9_=-]+.?[a-z0-9_.+/=-]*$/i

/** All texts over an alphabet up to a length. */
function* texts(alphabet: readonly string[], maxLength: number): Generator<string> {
  let level = ['']
  for (let length = 0; length <= maxLength; length++) {
    yield* level
    level = level.flatMap((text) => alphabet.map((c) => text + c))
  }
}

t.test(
  'every token of up to 10 characters of each class is judged as by the contract’s pattern',
  (t) => {
    // One character for each class of the pattern: core, only in the tail, in neither.
    let differing = 0
    let count = 0
    for (const token of texts(['a', '.', '!'], 10)) {
      count++
      const value = `bearer ${token}`
      if (matchesTokenPattern(value, 7) !== CONTRACT_PATTERN.test(value)) differing++
      if (isBearerCredential(value) !== CONTRACT_PATTERN.test(value)) differing++
    }
    t.equal(differing, 0)
    t.equal(count, (3 ** 11 - 1) / 2)
    t.end()
  },
)

t.test('tokens over short alphabets are judged as by the contract’s pattern', (t) => {
  const alphabet = fc.constantFrom(...'aZ09-_=.+/!~:"'.split(''))
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 24 }), (token) => {
      const value = `Bearer ${token}`
      return isBearerCredential(value) === CONTRACT_PATTERN.test(value)
    }),
    { numRuns: 100_000 },
  )
  t.pass()
  t.end()
})

t.test('what the unescaped dots let in by accident is refused', (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'a.,\t \x7f\x80\xe9\xff'.split('')), maxLength: 12 }),
      (token) => {
        const value = `bearer ${token}`
        const isPlain = !/[^\x21-\x7e]|,/.test(token)
        return isBearerCredential(value) === (isPlain && CONTRACT_PATTERN.test(value))
      },
    ),
    { numRuns: 50_000 },
  )
  t.match('bearer a,b', CONTRACT_PATTERN)
  t.notOk(isBearerCredential('bearer a,b'), 'a list of two is no credential')
  t.end()
})

const CREDENTIALS: readonly (readonly [value: string, valid: boolean])[] = [
  ['bearer a.b', true],
  ['Bearer a.b', true],
  ['BEARER A.B', true],
  ['Bearer token-one.aaaa', true],
  ['Bearer eyJh.eyJz.c2ln', true],
  ['Bearer aaa', true],
  ['Bearer aa', false],
  ['Bearer a.', false],
  ['Bearer .a', false],
  ['Bearer', false],
  ['Bearer ', false],
  ['Bearera.b', false],
  ['Bearer  a.b', false],
  ['Bearer\ta.b', false],
  [' Bearer a.b', false],
  ['Bearer a.b ', false],
  ['Basic a.b', false],
  ['bearer a b', false],
  ['', false],
  [`Bearer a.${'b'.repeat(247)}`, true],
  [`Bearer a.${'b'.repeat(248)}`, false],
]

for (const [value, valid] of CREDENTIALS) {
  t.test(
    `"${value.slice(0, 30)}" (${value.length}) is ${valid ? 'a' : 'no'} bearer credential`,
    (t) => {
      t.equal(isBearerCredential(value), valid)
      t.end()
    },
  )
}

const IDS: Readonly<Record<string, boolean>> = {
  '1': true,
  '7': true,
  '10': true,
  '9007199254740993': true,
  '999999999999999999': true,
  '1000000000000000000': true,
  '9223372036854775806': true,
  '9223372036854775807': true,
  '9223372036854775808': false,
  '9223372036854775810': false,
  '9300000000000000000': false,
  '9999999999999999999': false,
  '10000000000000000000': false,
  '18446744073709551615': false,
  '': false,
  '0': false,
  '00': false,
  '07': false,
  '-1': false,
  '+1': false,
  ' 1': false,
  '1 ': false,
  '1\n': false,
  '1.0': false,
  '1e3': false,
  '0x1': false,
  '1_0': false,
  '\u0661': false,
  '\uff11': false,
  '\xb2': false,
  null: false,
}

for (const [text, valid] of Object.entries(IDS)) {
  t.test(`${JSON.stringify(text)} is ${valid ? 'a' : 'no'} canonical id`, (t) => {
    t.equal(isCanonicalId(text), valid)
    t.end()
  })
}

t.test('a number is a canonical id exactly from 1 to 2^63-1, and only as it prints', (t) => {
  const around = (center: bigint) => fc.bigInt(center - 1_000n, center + 1_000n)
  fc.assert(
    fc.property(
      fc.oneof(
        around(0n),
        around(2n ** 53n),
        around(2n ** 63n),
        around(10n ** 18n),
        around(10n ** 19n),
      ),
      fc.constantFrom('', '0', '+', ' '),
      (number, prefix) =>
        isCanonicalId(prefix + number) === (prefix === '' && number > 0n && number < 2n ** 63n),
    ),
    { numRuns: 20_000 },
  )
  t.pass()
  t.end()
})

t.test('a version is one of the six, exactly as written', (t) => {
  t.equal(API_VERSIONS.length, 6)
  for (const version of API_VERSIONS) {
    t.ok(isApiVersion(version))
    for (const other of [
      ` ${version}`,
      `${version} `,
      version.replaceAll('/', '-'),
      version.replace('/0', '/'),
      `${version}, ${version}`,
      version.slice(0, -1),
    ]) {
      t.notOk(isApiVersion(other), other)
    }
  }
  for (const other of ['', '2018/02/08', 'latest', 'constructor', '__proto__']) {
    t.notOk(isApiVersion(other), other)
  }
  t.end()
})

t.test('a request id is a UUID of any version in any letter case', (t) => {
  fc.assert(
    fc.property(fc.uuid(), (id) => isUuid(id) && isUuid(id.toUpperCase())),
    { numRuns: 1_000 },
  )
  const id = '0198c0de-0000-7000-8000-000000000001'
  t.ok(isUuid(id))
  t.ok(isUuid('00000000-0000-0000-0000-000000000000'))
  for (const other of [
    '',
    id.slice(1),
    `${id}0`,
    `{${id}}`,
    `urn:uuid:${id}`,
    id.replaceAll('-', ''),
    id.replace('1', 'g'),
    `${id}\n`,
    `${id}, ${id}`,
    ` ${id}`,
  ]) {
    t.notOk(isUuid(other), other)
  }
  t.end()
})

const MEDIA_TYPES: Readonly<Record<string, string | null>> = {
  'application/json': 'application/json',
  'Application/JSON': 'application/json',
  'application/json;charset=utf-8': 'application/json',
  'application/json ; charset="utf-8"': 'application/json',
  'application/json;a=b;c="d;e"': 'application/json',
  'application/vnd.api+json': 'application/vnd.api+json',
  'text/plain': 'text/plain',
  'application/json;': 'application/json',
  'application/json;charset=utf-8;': 'application/json',
  'application/json;;; ;charset=utf-8 ; ;': 'application/json',
  'application/json; \t; a=b': 'application/json',
  'application/json;a="\\"b\\\\;"': 'application/json',
  'application/json;a="\xe9"': 'application/json',
  ';': null,
  'application/json;a="\\"': null,
  'application/json;=b': null,
  'application/json;; x': null,
  'application/json;a="\x7f"': null,
  'application/json;charset': null,
  'application/json; charset=': null,
  'application/json;charset="utf-8': null,
  'application/json x': null,
  'application/json\tx': null,
  'application/json, text/plain': null,
  ' application/json': null,
  'application/json ': null,
  'application/': null,
  '/json': null,
  application: null,
  'a/b/c': null,
  '': null,
  'application/json;a=é': null,
}

for (const [value, type] of Object.entries(MEDIA_TYPES)) {
  t.test(`"${value}" is ${type === null ? 'no media type' : type}`, (t) => {
    t.equal(mediaTypeOf(value), type)
    t.end()
  })
}

t.test('a media type has at most 256 characters', (t) => {
  const value = `application/json;a=${'b'.repeat(237)}`
  t.equal(value.length, 256)
  t.equal(mediaTypeOf(value), 'application/json')
  t.equal(mediaTypeOf(`${value}b`), null)
  t.end()
})
