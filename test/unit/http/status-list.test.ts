import t from 'tap'
import { isStatusList } from '../../../src/http/status-list.ts'

t.test('a Cache-Status is read as RFC 8941 reads a list of tokens and strings', (t) => {
  for (const field of [
    'origin; hit',
    'OriginCache; hit; ttl=1100, "CDN Company Here"; hit; ttl=545',
    'a;fwd=uri-miss;fwd-status=304;stored;collapsed=?0 ,\tb; detail="x \\"y\\", z"',
    '*a/b:c;x=-1.5;y=:YWJj:;z=tok/en;x-1_.*=?1',
    'a;  hit',
  ]) {
    t.ok(isStatusList(field), field)
  }
  for (const field of [
    '',
    ',',
    'a,',
    ', a',
    'a,,b',
    'a hit',
    'a; Hit',
    'a;',
    'a;hit=',
    'a;hit="x',
    'a;hit="\\x"',
    '"a',
    '"é"',
    '1',
    '?1',
    '(a b)',
    'a; ttl=1.2345',
    'a; ttl=1234567890123456',
    'a ;hit',
    'HIT from cache',
    `a;x="${'b'.repeat(2_048)}"`,
  ]) {
    t.notOk(isStatusList(field), field.slice(0, 40))
  }
  t.end()
})
