import t from 'tap'
import { MEANINGS } from '../../../src/cache/reasons.ts'
import type { ExplainedLook, Explanation } from '../../../src/cli/explanation-reply.ts'
import { explanationLines } from '../../../src/cli/explanation-screen.ts'

const HIT = {
  cacheStatus: 'layby; hit; ttl=41; detail=memory',
  problem: null,
  assumes: 'nothing',
  meaning: 'What is known here decides; nothing is assumed.',
}
const FENCE = { kind: 'subject', name: 'n4mE', value: 'vAlu', state: 'holds' }

const LOOK: ExplainedLook = {
  verdict: 'serve',
  reason: 'fresh',
  meaning: 'Admission and grant are live, and the bytes that the grant names are here and fresh.',
  remedy: 'Nothing.',
  grant: {
    kind: 'grant',
    ageMs: 259_000,
    leftMs: 641_000,
    digest: 'abcdefabcdef',
    version: '2023/04/19',
    fences: [FENCE],
  },
  admission: { leftMs: -2_000, fences: [{ ...FENCE, kind: 'credential', state: 'changed' }] },
  representation: {
    kind: 'representation',
    digest: 'abcdefabcdef',
    ageMs: 259_000,
    freshForMs: 41_000,
    staleForMs: 341_000,
    bytes: 812,
    fences: [],
  },
}

const TOLD: Explanation = {
  prediction: HIT,
  alternative: null,
  ifUpstreamFails: HIT,
  upstream: { refusal: null, isOverloaded: false, follows: null },
  memory: LOOK,
  redis: {
    state: 'not-configured',
    meaning: 'There is no Redis.',
    remedy: 'Set `redis.url` if instances are to share.',
    brought: null,
  },
  fences: [FENCE],
  versionPin: { known: '2023/04/19' },
  sharing: { configured: 'witnessed', inForce: 'witnessed', isTripped: false },
  lastReject: null,
}

const QUERY = { tenant: '7', customer: '5', version: '2023/04/19', credential: 'hAsH' }

t.test('what the next read gets comes first, and then why', (t) => {
  t.strictSame(explanationLines(QUERY, TOLD), [
    'Customer 5 of tenant 7, x-api-version 2023/04/19',
    'Credential hAsH',
    '',
    'NEXT READ    from the cache: layby; hit; ttl=41; detail=memory',
    'API FAILING  from the cache: layby; hit; ttl=41; detail=memory',
    '',
    'MEMORY       serve (fresh)',
    '  Admission and grant are live, and the bytes that the grant names are here and',
    '  fresh.',
    '  - grant: 4 min old, 10 min left, digest abcdefabcdef',
    '  - admission: lapsed 2 s ago',
    '  - representation: 4 min old, fresh for 41 s, usable stale for 5 min, 812 B,',
    '    digest abcdefabcdef',
    '',
    'REDIS        not-configured',
    '  There is no Redis.',
    '  What to do: Set `redis.url` if instances are to share.',
    '',
    'API          would be asked if need be',
    'SHARING      witnessed',
    'VERSION PIN  2023/04/19',
    '',
    'FENCE       STATE    NAME  OF',
    'subject     holds    n4mE  grant',
    'credential  changed  n4mE  admission',
  ])
  t.end()
})

t.test('a miss, a follower and a refusal are told apart, with what that rests on', (t) => {
  const miss = {
    cacheStatus: 'layby; fwd=uri-miss; stored; ttl=300',
    problem: null,
    assumes: 'answered',
    meaning: 'If the upstream answers 200.',
  }
  const lines = explanationLines(QUERY, {
    ...TOLD,
    prediction: miss,
    alternative: { ...miss, cacheStatus: 'layby; fwd=uri-miss; collapsed; detail=follower' },
    ifUpstreamFails: { ...miss, cacheStatus: null, problem: 'upstream_unreachable' },
    upstream: { refusal: 'breaker', isOverloaded: false, follows: null },
  })
  t.strictSame(lines.slice(3, 9), [
    'NEXT READ    the API is asked: layby; fwd=uri-miss; stored; ttl=300',
    '  If the upstream answers 200.',
    'OR           with what another request brings: layby; fwd=uri-miss; collapsed;',
    '             detail=follower',
    '  If the upstream answers 200.',
    'API FAILING  answered with a problem: upstream_unreachable',
  ])
  t.ok(lines.includes('API          not asked: breaker'))
  t.end()
})

t.test('nothing stored, a last reject and a tripped tenant are told', (t) => {
  const lines = explanationLines(
    { tenant: '7', customer: '5', credential: 'h' },
    {
      ...TOLD,
      memory: { ...LOOK, grant: null, admission: null, representation: null },
      alternative: TOLD.prediction,
      lastReject: {
        reason: 'vary',
        meaning: 'It varies.',
        remedy: 'Ask \u001b[2J them.',
        status: 200,
        agoMs: 3_000,
      },
      sharing: { configured: 'tenant', inForce: 'witnessed', isTripped: true },
    },
  )
  const text = lines.join('\n')
  for (const part of [
    'x-api-version absent',
    'OR           from the cache',
    '- grant: none here\n  - admission: none here\n  - representation: none here',
    'NOT STORED   vary, on a 200, 3 s ago\n  It varies.\n  What to do: Ask  [2J them.',
    'SHARING      tenant, in force for this tenant: witnessed',
    'subject  holds  n4mE',
  ]) {
    t.ok(text.includes(part), part)
  }
  for (const line of lines) t.ok(line.length <= 80, line)
  t.end()
})

t.test('advice is printed whole, however long it is', async (t) => {
  const all = Object.values(MEANINGS).flatMap((topic) => Object.values(topic))
  t.ok(all.some(({ meaning, remedy }) => meaning.length > 300 || remedy.length > 300))
  for (const { meaning, remedy } of all) {
    const memory = { ...LOOK, meaning, remedy }
    const text = explanationLines(QUERY, { ...TOLD, memory })
      .join(' ')
      .replace(/ +/g, ' ')
    t.ok(text.includes(meaning), meaning)
    if (remedy !== 'Nothing.') t.ok(text.includes(`What to do: ${remedy}`), remedy)
  }
})
