import t from 'tap'
import { Locations } from '../../../src/upstream/locations.ts'

/** What an API sends, and what its clients see; null: the same. */
type Cases = readonly (readonly [sent: string, seen: string | null])[]

const ANYWHERE: Cases = [
  ['https://elsewhere.example/v1/customers/1', null],
  ['https://api.example.evil.example/v1/x', null],
  ['https://api.example:444/v1/x', null],
  ['https://user@api.example/v1/x', null],
  ['//elsewhere.example/v1/x', null],
  ['ftp://api.example/v1/x', null],
  ['mailto:a@api.example', null],
  ['x', null],
  ['?a=b', null],
  ['#a', null],
  ['', null],
  [`/v1/${'x'.repeat(9_000)}`, null],
]

t.test('below a path', async (t) => {
  const locations = new Locations('https://api.example/v1/', null)
  const cases: Cases = [
    ...ANYWHERE,
    ['/v1/customers/1/', '/customers/1/'],
    ['/v1/customers/1?a=/v1/#b', '/customers/1?a=/v1/#b'],
    ['/v1', '/'],
    ['/v1/', '/'],
    ['/v1?a', '/?a'],
    ['/v12/x', null],
    ['/login', null],
    ['https://api.example/v1/x', '/x'],
    ['HTTPS://API.example:443/v1/x', '/x'],
    ['https://api.example:/v1/x', '/x'],
    ['https://api.example/v1', '/'],
    ['https://api.example/login', null],
    ['//api.example/v1/x', '/x'],
    ['http://api.example/v1/x', '/x'],
    ['http://api.example:80/v1/x', '/x'],
    ['/v1//evil.example/', '/.//evil.example/'],
    ['/v1/\\evil.example/', '/./\\evil.example/'],
    ['https://api.example/v1//evil.example/', '/.//evil.example/'],
  ]
  for (const [sent, seen] of cases) t.equal(locations.forClient(sent), seen ?? sent, sent)
})

t.test('without a path', async (t) => {
  const locations = new Locations('http://127.0.0.1:8080', null)
  const cases: Cases = [
    ...ANYWHERE.filter(([sent]) => !sent.startsWith('/v1/')),
    ['/v1/x', '/v1/x'],
    ['http://127.0.0.1:8080/v1/x', '/v1/x'],
    ['http://127.0.0.1:8080', '/'],
    ['http://127.0.0.1/v1/x', null],
    // It would send its clients in a circle.
    ['https://127.0.0.1:8080/v1/x', null],
    ['http://127.0.0.1:8080//evil.example', '/.//evil.example'],
  ]
  for (const [sent, seen] of cases) t.equal(locations.forClient(sent), seen ?? sent, sent)
})

t.test('of an API that is told what clients ask by', async (t) => {
  const locations = new Locations('http://10.0.0.1:8080/v1', 'https://public.example')
  const cases: Cases = [
    ...ANYWHERE,
    ['https://public.example/v1/x', '/x'],
    ['https://public.example:443/v1/x', '/x'],
    ['https://public.example:8443/v1/x', null],
    ['http://10.0.0.1:8080/v1/x', '/x'],
  ]
  for (const [sent, seen] of cases) t.equal(locations.forClient(sent), seen ?? sent, sent)
})
