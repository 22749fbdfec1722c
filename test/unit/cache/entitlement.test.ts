import t from 'tap'
import { NO_DIRECTIVES, type RequestDirectives } from '../../../src/cache/cache-control.ts'
import { judge, type Standing } from '../../../src/cache/entitlement.ts'
import type {
  Admission,
  Grant,
  Representation,
  Superseded,
  Withdrawal,
} from '../../../src/cache/records.ts'

const NOW = 10_000_000
const VERSION = '2023/04/19'
const HOLDER = 'the one that asks'

const grant = (expiresAt: number): Grant => ({
  kind: 'grant',
  holder: HOLDER,
  digest: 'D',
  version: VERSION,
  witnessedAt: 0,
  expiresAt,
  stamp: [],
})
const representation = (
  freshUntil: number,
  generatedAt = NOW - 2_000,
  confirmedAt = generatedAt,
): Representation => ({
  kind: 'representation',
  digest: 'D',
  status: 200,
  reason: 'OK',
  headers: [],
  date: null,
  body: Buffer.from('{}'),
  etag: '"x"',
  version: VERSION,
  generatedAt,
  servedAt: 0,
  confirmedAt,
  freshUntil,
  staleUntil: freshUntil,
  stamp: [],
})

const grants: Record<string, Grant | Withdrawal | undefined> = {
  none: undefined,
  withdrawn: { kind: 'withdrawal', witnessedAt: 0 },
  lapsed: grant(NOW),
  live: grant(NOW + 1),
}
const admissions: Record<string, Admission | undefined> = {
  none: undefined,
  lapsed: { kind: 'admission', holder: HOLDER, expiresAt: NOW, stamp: [] },
  live: { kind: 'admission', holder: HOLDER, expiresAt: NOW + 1, stamp: [] },
}
const representations: Record<string, Representation | Superseded | undefined> = {
  none: undefined,
  superseded: { kind: 'superseded', at: 0 },
  stale: representation(NOW),
  fresh: representation(NOW + 1),
}
const pins: Record<string, string | null> = { same: VERSION, other: '2019/02/08', unknown: null }
const booleans = [true, false]

t.test('of all standings, only the one with every clause true is served', (t) => {
  let served = 0
  let judged = 0
  for (const [g, grant] of Object.entries(grants))
    for (const grantHolds of booleans)
      for (const [a, admission] of Object.entries(admissions))
        for (const admissionHolds of booleans)
          for (const [r, stored] of Object.entries(representations))
            for (const representationHolds of booleans)
              for (const isMarked of booleans)
                for (const [p, pinnedVersion] of Object.entries(pins)) {
                  const standing: Standing = {
                    holder: HOLDER,
                    grant,
                    grantHolds,
                    admission,
                    admissionHolds,
                    representation: stored,
                    representationHolds,
                    isMarked,
                    pinnedVersion,
                  }
                  const isAllTrue =
                    g === 'live' &&
                    a === 'live' &&
                    r === 'fresh' &&
                    p === 'same' &&
                    grantHolds &&
                    admissionHolds &&
                    representationHolds &&
                    !isMarked
                  const verdict = judge(standing, NO_DIRECTIVES, NOW)
                  judged++
                  if (verdict.kind === 'serve') served++
                  if ((verdict.kind === 'serve') !== isAllTrue) {
                    t.fail(`wrong verdict ${verdict.kind} for ${[g, a, r, p].join()}`)
                  }
                }
  t.equal(judged, 4 * 2 * 3 * 2 * 4 * 2 * 2 * 3)
  t.equal(served, 1)
  t.end()
})

const live: Standing = {
  holder: HOLDER,
  grant: grants['live'],
  grantHolds: true,
  admission: admissions['live'],
  admissionHolds: true,
  representation: representations['fresh'],
  representationHolds: true,
  isMarked: false,
  pinnedVersion: VERSION,
}

t.test('each clause that fails says what follows', (t) => {
  const cases: [string, Partial<Standing>, unknown][] = [
    ['no grant', { grant: undefined }, { kind: 'ask', reason: 'no-grant' }],
    [
      "another's grant",
      { grant: { ...grant(NOW + 1), holder: 'x' } },
      { kind: 'ask', reason: 'no-grant' },
    ],
    [
      "another's admission",
      { admission: { kind: 'admission', holder: 'x', expiresAt: NOW + 1, stamp: [] } },
      { kind: 'ask', reason: 'not-admitted' },
    ],
    ['withdrawn', { grant: grants['withdrawn'] }, { kind: 'ask', reason: 'withdrawn' }],
    ['lapsed grant', { grant: grants['lapsed'] }, { kind: 'ask', reason: 'grant-lapsed' }],
    ['no admission', { admission: undefined }, { kind: 'ask', reason: 'not-admitted' }],
    [
      'lapsed admission',
      { admission: admissions['lapsed'] },
      { kind: 'ask', reason: 'not-admitted' },
    ],
    ['broken grant fence', { grantHolds: false }, { kind: 'ask', reason: 'fence' }],
    ['broken admission fence', { admissionHolds: false }, { kind: 'ask', reason: 'fence' }],
    ['broken body fence', { representationHolds: false }, { kind: 'ask', reason: 'fence' }],
    [
      'marked by a soft purge',
      { isMarked: true },
      { kind: 'refresh', digest: 'D', why: 'marked', stale: representations['fresh'] },
    ],
    [
      'changed, whatever the mark',
      { isMarked: true, representationHolds: false },
      { kind: 'ask', reason: 'fence' },
    ],
    [
      'superseded',
      { representation: representations['superseded'] },
      { kind: 'ask', reason: 'superseded' },
    ],
    ['other pin', { pinnedVersion: '2019/02/08' }, { kind: 'ask', reason: 'version-pin' }],
    [
      'evicted',
      { representation: undefined },
      { kind: 'refresh', digest: 'D', why: 'missing', stale: null },
    ],
    [
      'stale',
      { representation: representations['stale'] },
      { kind: 'refresh', digest: 'D', why: 'stale', stale: representation(NOW) },
    ],
  ]
  for (const [name, change, expected] of cases) {
    t.strictSame(judge({ ...live, ...change }, NO_DIRECTIVES, NOW), expected, name)
  }
  t.end()
})

t.test('a client may ask for something fresher, but not more than once a second', (t) => {
  const old = { ...live, representation: representation(NOW + 60_000, NOW - 30_000) }
  const young = { ...live, representation: representation(NOW + 60_000, NOW - 1_000) }
  const served = (standing: Standing, wanted: Partial<RequestDirectives>): boolean =>
    judge(standing, { ...NO_DIRECTIVES, ...wanted }, NOW).kind === 'serve'
  t.equal(served(old, { noCache: true }), false)
  t.equal(served(young, { noCache: true }), true, 'one second old is young enough')
  t.equal(served(old, { maxAge: 30 }), true)
  t.equal(served(old, { maxAge: 29 }), false)
  t.equal(served(young, { maxAge: 0 }), true)
  t.equal(served(old, { minFresh: 60 }), true)
  t.equal(served(old, { minFresh: 61 }), false)
  t.equal(served(young, { minFresh: 61 }), true)
  t.equal(served(old, { noStore: true }), false)
  t.equal(served(young, { noStore: true }), true)
  const confirmed = {
    ...live,
    representation: representation(NOW + 60_000, NOW - 30_000, NOW - 1_000),
  }
  t.equal(served(confirmed, { noCache: true }), true, 'the upstream has said so a second ago')
  t.equal(served(confirmed, { maxAge: 0, minFresh: 99_999, noStore: true }), true)
  const unconfirmed = {
    ...live,
    representation: representation(NOW + 60_000, NOW - 30_000, NOW - 1_001),
  }
  t.equal(served(unconfirmed, { noCache: true }), false)
  t.strictSame(judge(old, { ...NO_DIRECTIVES, noCache: true }, NOW), {
    kind: 'refresh',
    digest: 'D',
    why: 'request',
    stale: null,
  })
  t.end()
})
