import t from 'tap'
import { type BrowserHeaders, browserRefusal, hostRules } from '../../../src/ops/browser-rules.ts'

const LOOPBACK = hostRules('127.0.0.1', [])
const NAMED = hostRules('127.0.0.1', ['Ops.Example', '[2001:db8::7]', '10.0.0.4'])
const ANYWHERE = hostRules('0.0.0.0', [])
const ANYWHERE_NAMED = hostRules('0.0.0.0', ['layby-1'])

const refusalOf = (host: string | undefined, rules = LOOPBACK): string | null =>
  browserRefusal('/metrics', { host }, rules)

t.test('on loopback only names of loopback are answered, whatever their port', (t) => {
  for (const host of [
    ...['localhost', 'localhost:9003', 'LOCALHOST:1', 'localhost.', 'localhost.:9003'],
    ...[
      '127.0.0.1',
      '127.0.0.1:9003',
      '127.255.0.3:80',
      '[::1]',
      '[::1]:9003',
      '[0:0:0:0:0:0:0:1]',
    ],
    ...['[::ffff:127.0.0.1]:9003', '127.0.0.1:', undefined],
  ]) {
    t.equal(refusalOf(host), null, String(host))
    for (const rules of [NAMED, ANYWHERE, ANYWHERE_NAMED]) t.equal(refusalOf(host, rules), null)
  }
  for (const host of [
    ...[
      'evil.example',
      'evil.example:9003',
      'localhost.evil.example',
      'localhost.evil',
      'xlocalhost',
    ],
    ...['127.0.0.1.evil.example', '127.0.0.1.nip.io', '128.0.0.1', '0.0.0.0', '10.0.0.4', '[::2]'],
    ...['[::]', '::1', '127.1', '2130706433', '0x7f.1', '', ' ', ':9003', '[]', '[::1', '[::1]x'],
    ...[
      'localhost:9003:1',
      'localhost:x',
      'localhost/',
      'a@localhost',
      'localhost,evil',
      'localhost\0',
    ],
    ...['localhost..', '[localhost]', '[127.0.0.1]x', `${'a'.repeat(300)}`, '127.0.0.1%00'],
  ]) {
    t.equal(refusalOf(host), 'host_not_allowed', JSON.stringify(host))
  }
  for (const host of ['localhost', '127.9.9.9', '::1', '[::1]', 'LOCALHOST']) {
    t.equal(hostRules(host, []).isLoopback, true, host)
  }
  t.end()
})

t.test('names in ops.hosts are answered too, and addresses in it', (t) => {
  for (const host of [
    'ops.example',
    'OPS.example:80',
    'ops.example.',
    '[2001:DB8::7]:1',
    '10.0.0.4',
  ]) {
    t.equal(refusalOf(host, NAMED), null, host)
  }
  for (const host of ['x.ops.example', 'ops.example.evil', '10.0.0.5']) {
    t.equal(refusalOf(host, NAMED), 'host_not_allowed', host)
  }
  t.end()
})

t.test('elsewhere any name is answered unless some are set, and addresses always are', (t) => {
  for (const host of ['layby-ops.svc:9003', '10.0.0.4:9003', '[fd00::1]:9003']) {
    t.equal(refusalOf(host, ANYWHERE), null, host)
  }
  for (const host of ['layby-1:9003', '10.0.0.4:9003', '[fd00::1]:9003']) {
    t.equal(refusalOf(host, ANYWHERE_NAMED), null, host)
  }
  t.equal(refusalOf('evil.example:9003', ANYWHERE_NAMED), 'host_not_allowed')
  t.equal(refusalOf('[evil.example]', ANYWHERE), 'host_not_allowed', 'no host at all')
  t.end()
})

t.test('what a browser sends for pages from elsewhere is refused, a followed link aside', (t) => {
  const ask = (path: string, site: string, more: Partial<BrowserHeaders> = {}): string | null =>
    browserRefusal(path, { host: 'localhost', 'sec-fetch-site': site, ...more }, LOOPBACK)
  const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  for (const site of ['same-origin', 'none']) t.equal(ask('/dashboard/events', site), null, site)
  for (const site of ['cross-site', 'same-site', 'anything', '']) {
    for (const path of ['/dashboard/events', '/metrics', '/dashboard', '/health/live', '/none']) {
      t.equal(ask(path, site), 'foreign_page', `${site} ${path}`)
    }
    t.equal(ask('/dashboard', site, link), null, site)
    t.equal(ask('/dashboard/events', site, link), 'foreign_page', site)
    t.equal(ask('/dashboard', site, { ...link, 'sec-fetch-dest': 'iframe' }), 'foreign_page')
    t.equal(ask('/dashboard', site, { ...link, 'sec-fetch-mode': 'no-cors' }), 'foreign_page')
  }
  t.end()
})
