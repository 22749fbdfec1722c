import t from 'tap'
import {
  parseDirectives,
  requestDirectives,
  responseDirectives,
} from '../../../src/cache/cache-control.ts'
import { DigestRule } from '../../../src/cache/digest-rule.ts'
import { integerMember, memberOfContent, parseObject } from '../../../src/cache/json-member.ts'
import { tagMint } from '../../../src/cache/minted-tag.ts'
import { joinedHeader } from '../../../src/cache/representation.ts'
import { remember, SharingMode } from '../../../src/cache/sharing.ts'

t.test('Cache-Control is parsed by RFC 9111 section 5.2, and never throws', (t) => {
  t.strictSame(
    [...(parseDirectives('No-Cache, max-age="5" ,, x=y') ?? [])],
    [
      ['no-cache', null],
      ['max-age', '5'],
      ['x', 'y'],
    ],
  )
  t.equal(parseDirectives('max-age="5'), null)
  t.equal(parseDirectives('a b'), null)
  t.equal(parseDirectives('=5'), null)
  t.equal(
    parseDirectives('max-age=1, max-age=9')?.get('max-age'),
    '0',
    'two that differ: neither is believed',
  )
  t.equal(requestDirectives('max-age=99999999999', null).maxAge, 2_147_483_648)
  t.equal(requestDirectives('max-age=-5', null).maxAge, 0)
  t.equal(requestDirectives('max-age', null).maxAge, 0)
  t.equal(requestDirectives('@', null).noCache, true, 'what can not be read asks for a refresh')
  t.equal(requestDirectives(null, 'no-cache').noCache, true)
  t.equal(requestDirectives(null, 'x').noCache, false)
  t.equal(requestDirectives('max-age=5', 'no-cache').noCache, false, 'Pragma counts only alone')
  t.equal(responseDirectives('private="x", s-maxage=3, max-age=9').lifetime, 3)
  t.equal(responseDirectives('private="x"').isPrivate, true)
  t.equal(responseDirectives('max-age="').malformed, true)
  t.equal(responseDirectives(null).lifetime, null)
  t.end()
})

t.test('an integer member is read exactly', (t) => {
  const read = (json: string) => integerMember(json, parseObject(json) ?? {}, 'parent_id')
  t.equal(read('{"parent_id": 9007199254740993, "x": {"parent_id": 1}}'), '9007199254740993')
  t.equal(read('{"parent_id": 7}'), '7')
  t.equal(read('{"parent_id": null}'), null)
  t.equal(read('{}'), null)
  for (const bad of ['"7"', '-7', '7.5', 'true', '[7]', '{}', '1e30'])
    t.equal(read(`{"parent_id": ${bad}}`), 'invalid', bad)
  for (const text of ['[]', 'null', '"x"', '{', '']) t.equal(parseObject(text), null, text)
  t.end()
})

t.test('what can not be read of content is a value', (t) => {
  const read = (text: string | null) => memberOfContent(text, 'parent_id')
  for (const text of [null, '', '{}', '{"a":{"parent_id":1}}']) t.equal(read(text), undefined)
  for (const text of [' ', '{', '[]', '1', 'null', '\ufeff{}', '{"parent_id":1,}', '{"a":NaN}']) {
    t.equal(read(text), 'invalid', text)
  }
  for (const [one, two] of [
    ['1', '1'],
    ['1', 'null'],
    ['null', '1'],
    ['"a"', '1'],
    ['9007199254740993', '1'],
  ]) {
    t.equal(read(`{"parent_id":${one},"x":0,"parent_id":${two}}`), 'invalid')
    t.equal(read(`{"parent\\u005Fid":${one},"x":0,"parent_id":${two}}`), 'invalid')
    t.equal(read(`{"x":{"parent_id":${one}},"parent_id":7,"y":"\\u0041"}`), '7')
  }
  t.equal(read('{"parent_id":null}'), null)
  t.equal(read('{"p\\u0061rent_id":7}'), '7')
  t.end()
})

t.test(
  'a digest tells status, kept headers and body apart, and not what belongs to one exchange',
  (t) => {
    const headers = [
      ['content-type', 'application/json'],
      ['x-api-version', 'v'],
    ] as const
    const body = Buffer.from('{}')
    const rule = new DigestRule([])
    const digestOf: DigestRule['digestOf'] = (...of) => rule.digestOf(...of)
    const digest = digestOf(200, headers, body)
    t.not(digestOf(203, headers, body), digest)
    t.not(digestOf(200, headers.slice(1), body), digest)
    t.not(digestOf(200, headers, Buffer.from('[]')), digest)
    t.not(digestOf(200, [['content-typea', 'pplication/json'], headers[1]], body), digest)
    const more = [
      ...headers,
      ['date', 'x'],
      ['x-request-id', 'y'],
      ['server', 'z'],
      ['x-cache-hits', '1'],
      ['set-cookie', 's'],
      ['x-ratelimit-remaining', '9'],
      ['cf-ray', 'r'],
      ['content-length', '2'],
      ['content-security-policy', 'nonce-1'],
      ['etag', 'no tag'],
    ] as const
    t.equal(digestOf(200, rule.keptHeaders(more), body), digest)
    t.equal(
      joinedHeader(
        [
          ['a', '1'],
          ['a', '2'],
        ],
        'a',
      ),
      '1, 2',
    )
    t.end()
  },
)

t.test('an entity tag needs the secret, and differs by tenant and version', (t) => {
  const body = Buffer.from('{}')
  const mint = tagMint('secret one')
  const tags = [
    mint('7', 'a', body),
    mint('8', 'a', body),
    mint('7', 'b', body),
    tagMint('secret two')('7', 'a', body),
  ]
  t.equal(new Set(tags).size, 4)
  t.equal(mint('7', 'a', body), tags[0])
  for (const tag of tags) t.match(tag, /^"[A-Za-z0-9_-]{22}"$/)
  t.end()
})

t.test('a digest that comes back after another is two views, one that goes on is not', (t) => {
  t.strictSame(remember([], 'A'), { digests: ['A'], returned: false })
  t.strictSame(remember(['A'], 'A'), { digests: ['A'], returned: false })
  t.strictSame(remember(['A'], 'B'), { digests: ['A', 'B'], returned: false })
  t.equal(remember(['A', 'B'], 'A').returned, true)
  const many = Array.from({ length: 40 }, (_, i) => String(i)).reduce<readonly string[]>(
    (seen, digest) => remember(seen, digest).digests,
    [],
  )
  t.equal(many.length, 16)
  t.end()
})

t.test('a tripped tenant is witnessed for an hour, and only that one', (t) => {
  const tripped: string[] = []
  const mode = new SharingMode('tenant', (tenant) => tripped.push(tenant))
  t.equal(mode.of('7', 0), 'tenant')
  mode.trip('7', 1_000)
  t.equal(mode.of('7', 3_600_999), 'witnessed')
  t.equal(mode.of('8', 2_000), 'tenant')
  t.equal(mode.of('7', 3_601_000), 'tenant')
  t.strictSame(tripped, ['7'])
  t.equal(new SharingMode('credential', () => {}).scopeOf('p'), 'p')
  t.equal(mode.scopeOf('p'), '')
  t.end()
})
