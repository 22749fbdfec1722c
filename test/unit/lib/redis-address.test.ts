/** Addresses of Redis: each form is read as it is meant, and what would be guessed is refused without its value. */
import t from 'tap'
import { parseNode, parseRedisUrl } from '../../../src/lib/redis-address.ts'

const NOTHING = { username: null, password: null, database: 0, isEncrypted: false }
const PLAIN = { host: 'h', port: 6379, ...NOTHING }

t.test('a URL says where, as whom, which database and whether by TLS', (t) => {
  const rows: readonly [text: string, expected: object][] = [
    ['redis://h', PLAIN],
    ['redis://h/', PLAIN],
    ['redis://h/0', PLAIN],
    ['redis://h:1', { ...PLAIN, port: 1 }],
    ['redis://h/7', { ...PLAIN, database: 7 }],
    ['rediss://h', { ...PLAIN, isEncrypted: true }],
    ['REDISS://h', { ...PLAIN, isEncrypted: true }],
    ['redis://u@h', { ...PLAIN, username: 'u' }],
    ['redis://u:@h', { ...PLAIN, username: 'u' }],
    ['redis://:p@h', { ...PLAIN, password: 'p' }],
    ['redis://u:p@h', { ...PLAIN, username: 'u', password: 'p' }],
    ['redis://u%40x:p%2F%3A%23+%25@h', { ...PLAIN, username: 'u@x', password: 'p/:#+%' }],
    ['redis://u:p@ss@h', { ...PLAIN, username: 'u', password: 'p@ss' }],
    ['redis://[::1]:7000/2', { ...PLAIN, host: '::1', port: 7000, database: 2 }],
    ['redis://10.0.0.1', { ...PLAIN, host: '10.0.0.1' }],
    ['redis://my_redis.svc.cluster.local.', { ...PLAIN, host: 'my_redis.svc.cluster.local.' }],
  ]
  for (const [text, expected] of rows) t.strictSame(parseRedisUrl(text), expected, text)
  t.end()
})

t.test('what would be guessed or left out is a fault, and its value is not repeated', (t) => {
  const texts = [
    '',
    'h:6379',
    '//h',
    '/tmp/redis.sock',
    'unix:///tmp/redis.sock',
    'redis:h',
    'redis://',
    'redis://:6379',
    'redis://h:0',
    'redis://h:65536',
    'redis://h:port',
    'redis://h?db=2',
    'redis://h/2?db=3',
    'redis://h/2/',
    'redis://h/two',
    'redis://h/-1',
    'redis://h/123456',
    'redis://h/2#3',
    'redis://:pa/ss@h',
    'redis://u:12/ss@h',
    'redis://u:%zz@h',
    'redis://%zz@h',
    'redis://h%20x',
    'redis://h,other:6379',
    'redis://[::1',
    'redis://[fe80::1%25eth0]',
  ]
  for (const text of texts) {
    const read = parseRedisUrl(text)
    if (!('fault' in read)) t.fail(`taken: ${text}`)
    else if (text.length > 12) t.notMatch(read.fault, text.slice(8), text)
  }
  t.end()
})

t.test('a node is host:port, and an IPv6 address has brackets', (t) => {
  t.strictSame(parseNode('a:1'), { host: 'a', port: 1 })
  t.strictSame(parseNode('10.0.0.1:65535'), { host: '10.0.0.1', port: 65_535 })
  t.strictSame(parseNode('[::1]:26379'), { host: '::1', port: 26_379 })
  for (const text of ['', 'a', 'a:', ':1', 'a:0', 'a:65536', '::1:26379', '[::1]', '[a]:1']) {
    t.equal(parseNode(text), null, text)
  }
  for (const text of ['redis://a:1', 'u@a:1', 'a:1/2', 'a b:1', ' a:1', '[::1]:1x']) {
    t.equal(parseNode(text), null, text)
  }
  t.end()
})
