import t from 'tap'
import type { Grant, Representation, Superseded } from '../../../src/cache/records.ts'
import { weigh } from '../../../src/cache/witness.ts'

const grant = (digest: string, witnessedAt: number): Grant => ({
  kind: 'grant',
  holder: 'h',
  digest,
  version: '2019/02/08',
  witnessedAt,
  expiresAt: 9_999,
  stamp: [],
})
const superseded = (at: number): Superseded => ({ kind: 'superseded', at })
const stored = { kind: 'representation', generatedAt: 1_000 } as Representation

t.test('a first answer witnesses its digest and supersedes nothing', (t) => {
  const proof = weigh({ previous: undefined, present: undefined, digest: 'D0', sentAt: 5 })
  t.strictSame(proof, { kind: 'witnessed', supersedes: null })
  t.end()
})

t.test('the same digest again supersedes nothing', (t) => {
  const proof = weigh({ previous: grant('D0', 1), present: stored, digest: 'D0', sentAt: 5 })
  t.strictSame(proof, { kind: 'witnessed', supersedes: null })
  t.end()
})

t.test('another digest supersedes the one that was held', (t) => {
  const proof = weigh({ previous: grant('D0', 1), present: undefined, digest: 'D1', sentAt: 5 })
  t.strictSame(proof, { kind: 'witnessed', supersedes: 'D0' })
  t.end()
})

t.test('an answer to a request that left before the one last believed proves nothing', (t) => {
  const late = weigh({ previous: grant('D1', 6), present: undefined, digest: 'D0', sentAt: 5 })
  t.strictSame(late, { kind: 'outdated' })
  const withdrawn = { kind: 'withdrawal', witnessedAt: 6 } as const
  const refused = weigh({ previous: withdrawn, present: undefined, digest: 'D0', sentAt: 5 })
  t.strictSame(refused, { kind: 'outdated' })
  const same = weigh({ previous: grant('D1', 5), present: undefined, digest: 'D0', sentAt: 5 })
  t.equal(same.kind, 'witnessed', 'at the same moment the one that arrives last counts')
  t.end()
})

t.test(
  'a superseded digest comes back only by a request that left after the change was asked for',
  (t) => {
    const revive = (sentAt: number) =>
      weigh({ previous: undefined, present: superseded(5), digest: 'D0', sentAt }).kind
    t.equal(revive(4), 'outdated')
    t.equal(revive(5), 'outdated')
    t.equal(revive(6), 'witnessed')
    t.end()
  },
)

t.test('a withdrawal supersedes nothing: it names no digest', (t) => {
  const previous = { kind: 'withdrawal', witnessedAt: 1 } as const
  const proof = weigh({ previous, present: undefined, digest: 'D1', sentAt: 5 })
  t.strictSame(proof, { kind: 'witnessed', supersedes: null })
  t.end()
})
