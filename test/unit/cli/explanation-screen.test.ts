import t from 'tap'
import type { ExplainedLook, Explanation } from '../../../src/cli/explanation-reply.ts'
import { explanationLines, predicted } from '../../../src/cli/explanation-screen.ts'

const OUTCOME = {
  kind: 'hit',
  tier: 'memory',
  forward: null,
  detail: 'memory',
  stored: false,
  ttl: 41,
  age: 259,
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
  prediction: { outcome: OUTCOME, problem: null, assumes: 'nothing' },
  alternative: null,
  ifUpstreamFails: { outcome: OUTCOME, problem: null, assumes: 'nothing' },
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
    'NEXT READ    hit from memory, 41 s left',
    'API FAILING  hit from memory, 41 s left',
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
    'SHARING      witnessed',
    'VERSION PIN  2023/04/19',
    '',
    'FENCE       STATE    NAME  OF',
    'subject     holds    n4mE  grant',
    'credential  changed  n4mE  admission',
  ])
  t.end()
})

t.test('a miss, a stale copy and a refusal are told apart', (t) => {
  const fill = { ...OUTCOME, kind: 'fill', tier: null, forward: 'uri-miss', detail: null }
  const told = (outcome: typeof OUTCOME | typeof fill, assumes = 'nothing', problem = null) =>
    predicted({ outcome, problem, assumes })
  t.equal(
    told({ ...fill, stored: true, ttl: 300 }, 'answered'),
    'fill, fwd=uri-miss, stored for 5 min, if the API answers 200 with something that may be stored',
  )
  t.equal(told({ ...OUTCOME, ttl: -3, detail: 'swr' }), 'hit from memory (swr), 3 s stale')
  t.equal(
    predicted({ outcome: fill, problem: 'breaker', assumes: 'failing' }),
    'refused: breaker, as the API gives no answer',
  )
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
    'OR           hit',
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
