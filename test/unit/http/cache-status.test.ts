import t from 'tap'
import {
  type Forward,
  hit,
  NOT_CACHED,
  type Outcome,
  outcome,
  REFUSED,
} from '../../../src/cache/outcome.ts'
import { cacheStatus } from '../../../src/http/cache-status.ts'

const filled = { stored: true, ttl: 60 }

/** The forms of wire.md that can occur, to the byte. */
const GOLDEN: Readonly<Record<string, readonly [told: Outcome, value: string | null]>> = {
  'hit L1': [hit('memory', 19, 41), 'layby; hit; ttl=41; detail=memory'],
  'hit L2': [hit('redis', 19, 41), 'layby; hit; ttl=41; detail=redis'],
  'hit in its last second': [hit('memory', 59, 0), 'layby; hit; ttl=0; detail=memory'],
  'cold fill, stored': [
    outcome('fill', { forward: 'uri-miss', ...filled }),
    'layby; fwd=uri-miss; stored; ttl=60',
  ],
  follower: [
    outcome('follower', { forward: 'uri-miss', collapsed: true, detail: 'follower' }),
    'layby; fwd=uri-miss; collapsed; detail=follower',
  ],
  'collapse refused': [
    outcome('fill', { forward: 'uri-miss', collapsed: false, detail: 'private' }),
    'layby; fwd=uri-miss; collapsed=?0; detail=private',
  ],
  'expired, refetched': [
    outcome('fill', { forward: 'stale', forwardStatus: 200, ...filled }),
    'layby; fwd=stale; fwd-status=200; stored; ttl=60',
  ],
  'client no-cache': [
    outcome('fill', { forward: 'request', ...filled }),
    'layby; fwd=request; stored; ttl=60',
  ],
  'another version pin': [
    outcome('fill', { forward: 'request', ...filled, detail: 'version-pin' }),
    'layby; fwd=request; stored; ttl=60; detail=version-pin',
  ],
  write: [outcome('pass-through', { forward: 'method' }), 'layby; fwd=method'],
  'another path': [outcome('pass-through', { forward: 'bypass' }), 'layby; fwd=bypass'],
  'bypass by query': [
    outcome('bypass', { forward: 'bypass', detail: 'query' }),
    'layby; fwd=bypass; detail=query',
  ],
  'bypass by no-store': [
    outcome('bypass', { forward: 'request', detail: 'no-store' }),
    'layby; fwd=request; detail=no-store',
  ],
  'not stored': [
    outcome('fill', { forward: 'uri-miss', detail: 'reject.no-store' }),
    'layby; fwd=uri-miss; detail=reject.no-store',
  ],
  refused: [REFUSED, null],
  'only-if-cached': [NOT_CACHED, null],
  failed: [outcome('failed', { forward: 'uri-miss' }), null],
}

for (const [name, [told, value]] of Object.entries(GOLDEN)) {
  t.test(`${name}: ${value ?? 'none'}`, (t) => {
    t.equal(cacheStatus(told), value)
    t.end()
  })
}

for (const reason of [
  'no-store',
  'set-cookie',
  'vary',
  'status',
  'size',
  'unproven',
  'fence',
  'fences-unknown',
  'version',
  'private',
  'type',
  'body',
] as const) {
  t.test(`not stored because of ${reason}`, (t) => {
    const told = outcome('fill', { forward: 'uri-miss', detail: `reject.${reason}` })
    t.equal(cacheStatus(told), `layby; fwd=uri-miss; detail=reject.${reason}`)
    t.end()
  })
}

t.test('every form is one member of a structured list, without a key', (t) => {
  const forwards: readonly (Forward | null)[] = ['uri-miss', 'stale', 'request', 'bypass', 'method']
  for (const forward of forwards) {
    for (const forwardStatus of [null, 200, 503]) {
      for (const collapsed of [null, true, false]) {
        for (const ttl of [null, 0, 60]) {
          const value = cacheStatus(
            outcome('fill', {
              forward,
              forwardStatus,
              collapsed,
              ttl,
              stored: ttl !== null,
              detail: 'reject.fence',
            }),
          )
          // RFC 8941: token, then parameters of keys with an optional integer, token or boolean.
          t.match(value, /^layby(?:; [a-z-]+(?:=(?:-?[0-9]+|\?0|[a-z][a-z.-]*))?)+$/)
          t.notMatch(value, /key/)
        }
      }
    }
  }
  t.end()
})
