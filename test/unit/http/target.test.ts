import t from 'tap'
import { parseTarget } from '../../../src/http/target.ts'

const UNRESERVED = /[A-Za-z0-9\-._~]/
/** Their decoding makes another path. */
const SEPARATORS = '%/\\;.'

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

t.test('of all single percent-encodings, those that are needed and harmless pass', (t) => {
  let passed = 0
  for (let byte = 0; byte < 256; byte++) {
    const character = String.fromCharCode(byte)
    const isControl = byte < 0x20 || byte === 0x7f
    const isRefused = isControl || UNRESERVED.test(character) || SEPARATORS.includes(character)
    for (const digits of new Set([hex(byte), hex(byte).toUpperCase(), mixed(hex(byte))])) {
      for (const path of [
        `/a%${digits}`,
        `/%${digits}`,
        `/%${digits}/b`,
        `/customers/%${digits}1`,
      ]) {
        const target = parseTarget(path)
        if (target.kind === 'ok') passed++
        t.same(
          target,
          isRefused ? { kind: 'path_not_canonical' } : { kind: 'ok', path, query: null },
        )
      }
    }
  }
  t.ok(passed > 128 * 4)
  t.end()
})

function mixed(digits: string): string {
  return digits.slice(0, 1).toUpperCase() + digits.slice(1)
}

t.test('of all single characters, those of RFC 3986 pass in a path', (t) => {
  for (let byte = 0; byte < 256; byte++) {
    const character = String.fromCharCode(byte)
    if ('/%.?#'.includes(character)) continue
    const isAllowed = /[A-Za-z0-9\-._~!$&'()*+,=:@]/.test(character)
    const kind = parseTarget(`/a${character}b`).kind
    t.equal(kind, isAllowed ? 'ok' : 'path_not_canonical', `byte ${hex(byte)}`)
  }
  t.end()
})

t.test('of all single characters, all that are visible but # pass in a query', (t) => {
  for (let byte = 0; byte < 256; byte++) {
    const query = `a${String.fromCharCode(byte)}b`
    const isAllowed = byte > 0x20 && byte < 0x7f && byte !== 0x23
    const target = parseTarget(`/a?${query}`)
    t.same(target, isAllowed ? { kind: 'ok', path: '/a', query } : { kind: 'invalid_target' })
  }
  t.end()
})

const INVALID = [
  '',
  '*',
  'a',
  'http://a/',
  'http://a/customers/1',
  'a:443',
  '?a',
  '#',
  '/#',
  '/a#b',
  '/a?b#c',
  '\\a',
  ' /a',
]

for (const url of INVALID) {
  t.test(`"${url}" is no target`, (t) => {
    t.same(parseTarget(url), { kind: 'invalid_target' })
    t.end()
  })
}

const NOT_CANONICAL = [
  '//',
  '//a',
  '/a//',
  '/a//b',
  '/.',
  '/..',
  '/./a',
  '/../a',
  '/a/.',
  '/a/..',
  '/a/./b',
  '/a/../b',
  '/%2e/a',
  '/%2e%2e',
  '/.%2E/a',
  '/a%2fb',
  '/a%5Cb',
  '/a\\b',
  '/a;b',
  '/a%3bb',
  '/..;/a',
  '/%',
  '/%2',
  '/%2/',
  '/%zz',
  '/%%20',
  '/%252e',
  '/%u002e',
]

for (const path of NOT_CANONICAL) {
  t.test(`${path} is not canonical, with or without a query`, (t) => {
    t.same(parseTarget(path), { kind: 'path_not_canonical' })
    t.same(parseTarget(`${path}?a`), { kind: 'path_not_canonical' })
    t.end()
  })
}

const SOUND: readonly (readonly [url: string, path: string, query: string | null])[] = [
  ['/', '/', null],
  ['/?', '/', null],
  ['/?a', '/', 'a'],
  ['/??', '/', '?'],
  ['/customers/1', '/customers/1', null],
  ['/customers/1/', '/customers/1/', null],
  ['/customers/1?', '/customers/1', null],
  ['/customers/1?a=b?c', '/customers/1', 'a=b?c'],
  ['/a?/../..//;%2e%zz', '/a', '/../..//;%2e%zz'],
  ['/...', '/...', null],
  ['/.a/b.', '/.a/b.', null],
  ['/a..b/c', '/a..b/c', null],
  ['/caf%C3%A9', '/caf%C3%A9', null],
  ['/a%20b', '/a%20b', null],
]

for (const [url, path, query] of SOUND) {
  t.test(`${url} passes as it is`, (t) => {
    t.same(parseTarget(url), { kind: 'ok', path, query })
    t.end()
  })
}
