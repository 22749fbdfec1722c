/**
 * The promise of design section 3 as a property over the two pure rules, `judge` and `weigh`: a handful of
 * credentials of changing roles read one resource whose views change, and an oracle knows all that the
 * upstream ever gave to whom. Four mutants of the rules must each break it.
 */
import fc from 'fast-check'
import t from 'tap'
import { NO_DIRECTIVES } from '../../../src/cache/cache-control.ts'
import { judge, type Standing } from '../../../src/cache/entitlement.ts'
import type { Admission, Grant, Representation, Superseded } from '../../../src/cache/records.ts'
import { type Proof, weigh } from '../../../src/cache/witness.ts'

const TTL = 300
const GRANT_TTL = 900
const CREDENTIAL_TTL = 400
const PIN = '2019/02/08'
const PEOPLE = 4

interface Rules {
  /** May change what is known before it is judged. */
  readonly standing: (standing: Standing, world: MiniCache) => Standing
  readonly proof: (proof: Proof) => Proof
  readonly digestOf: (body: string) => string
}

const SOUND: Rules = {
  standing: (standing) => standing,
  proof: (proof) => proof,
  digestOf: (body) => body,
}

const FOREVER: Omit<Admission, 'holder'> = { kind: 'admission', expiresAt: Infinity, stamp: [] }

const MUTANTS: Record<string, Rules> = {
  'the grant check skipped': {
    ...SOUND,
    standing: (standing, world) => ({
      ...standing,
      grant: world.lastGrant && { ...world.lastGrant, holder: standing.holder },
      representation: world.representations.get(world.lastGrant?.digest ?? ''),
    }),
  },
  'the admission check skipped': {
    ...SOUND,
    standing: (standing) => ({ ...standing, admission: { ...FOREVER, holder: standing.holder } }),
  },
  'the digest ignored': { ...SOUND, digestOf: () => 'always the same' },
  'the change rule skipped': {
    ...SOUND,
    proof: (proof) => (proof.kind === 'witnessed' ? { ...proof, supersedes: null } : proof),
  },
}

const holderOf = (who: number): string => `holder ${who}`

/** The two rules, and three maps. */
class MiniCache {
  readonly grants = new Map<number, Grant>()
  readonly admissions = new Map<number, Admission>()
  readonly representations = new Map<string, Representation | Superseded>()
  lastGrant: Grant | undefined
  readonly #rules: Rules

  constructor(rules: Rules) {
    this.#rules = rules
  }

  lookup(who: number, now: number): string | null {
    const grant = this.grants.get(who)
    const standing: Standing = {
      holder: holderOf(who),
      grant,
      grantHolds: true,
      admission: this.admissions.get(who),
      admissionHolds: true,
      representation: this.representations.get(grant?.digest ?? ''),
      representationHolds: true,
      isMarked: false,
      pinnedVersion: PIN,
    }
    const verdict = judge(this.#rules.standing(standing, this), NO_DIRECTIVES, now)
    return verdict.kind === 'serve' ? verdict.representation.body.toString() : null
  }

  fill(who: number, body: string, sentAt: number): void {
    const digest = this.#rules.digestOf(body)
    const present = this.representations.get(digest)
    const proof = this.#rules.proof(
      weigh({ previous: this.grants.get(who), present, digest, sentAt }),
    )
    this.admissions.set(who, {
      kind: 'admission',
      holder: holderOf(who),
      expiresAt: sentAt + CREDENTIAL_TTL,
      stamp: [],
    })
    if (proof.kind === 'outdated') return
    if (proof.supersedes !== null) {
      this.representations.set(proof.supersedes, { kind: 'superseded', at: sentAt })
    }
    const expiresAt = sentAt + GRANT_TTL
    const grant: Grant = {
      kind: 'grant',
      holder: holderOf(who),
      digest,
      version: PIN,
      witnessedAt: sentAt,
      expiresAt,
      stamp: [],
    }
    this.grants.set(who, grant)
    this.lastGrant = grant
    this.representations.set(digest, {
      kind: 'representation',
      digest,
      status: 200,
      reason: 'OK',
      headers: [],
      date: null,
      body: Buffer.from(body),
      etag: '""',
      version: PIN,
      generatedAt: sentAt,
      servedAt: 0,
      confirmedAt: 0,
      freshUntil: sentAt + TTL,
      staleUntil: sentAt + TTL,
      stamp: [],
    })
  }
}

type Step =
  | { readonly kind: 'read'; readonly who: number }
  | { readonly kind: 'ask'; readonly who: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'role'; readonly who: number; readonly view: number }
  | { readonly kind: 'edit'; readonly view: number }
  | { readonly kind: 'revoke'; readonly who: number }

const who = fc.nat({ max: PEOPLE - 1 })
const view = fc.nat({ max: 1 })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ kind: fc.constant('read' as const), who }), weight: 6 },
    { arbitrary: fc.record({ kind: fc.constant('ask' as const), who }), weight: 2 },
    {
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        ms: fc.constantFrom(1, 50, 150, 299, 300, 301, 401, 899),
      }),
      weight: 4,
    },
    { arbitrary: fc.record({ kind: fc.constant('role' as const), who, view }), weight: 1 },
    { arbitrary: fc.record({ kind: fc.constant('edit' as const), view }), weight: 1 },
    { arbitrary: fc.record({ kind: fc.constant('revoke' as const), who }), weight: 1 },
  ),
  { minLength: 4, maxLength: 30 },
)

interface Given {
  readonly who: number
  readonly body: string
  readonly at: number
}

/** Walks through the steps; null, or what was served although it must not be. */
function walk(plan: readonly Step[], rules: Rules): string | null {
  const cache = new MiniCache(rules)
  const views = Array.from({ length: PEOPLE }, (_, i) => i % 2)
  const content = [0, 0]
  const revoked = new Set<number>()
  const given: Given[] = []
  /** Digest → when somebody who held it was given another. */
  const overtaken = new Map<string, number>()
  const held = new Map<number, string>()
  let now = 1_000
  const ask = (person: number): void => {
    now += 1
    if (revoked.has(person)) return
    const shown = `${views[person]}:${content[views[person] as number]}`
    const before = held.get(person)
    if (before !== undefined && before !== shown) overtaken.set(before, now)
    held.set(person, shown)
    given.push({ who: person, body: shown, at: now })
    cache.fill(person, shown, now)
  }
  for (const step of plan) {
    if (step.kind === 'wait') now += step.ms
    else if (step.kind === 'role') views[step.who] = step.view
    else if (step.kind === 'edit') content[step.view] = (content[step.view] as number) + 1
    else if (step.kind === 'revoke') revoked.add(step.who)
    else if (step.kind === 'ask') ask(step.who)
    else {
      const served = cache.lookup(step.who, now)
      if (served === null) ask(step.who)
      else {
        const wrong = objection(step.who, served, now, given, overtaken)
        if (wrong !== null) return wrong
      }
    }
  }
  return null
}

function objection(
  person: number,
  body: string,
  now: number,
  given: readonly Given[],
  overtaken: ReadonlyMap<string, number>,
): string | null {
  const own = given.filter((gift) => gift.who === person)
  if (!own.some((gift) => gift.body === body && now - gift.at < GRANT_TTL)) {
    return 'bytes that the upstream did not give to this credential within the grant lifetime'
  }
  if (!own.some((gift) => now - gift.at < CREDENTIAL_TTL)) return 'a credential not accepted lately'
  const last = given.filter((gift) => gift.body === body).at(-1)?.at ?? 0
  if (now - last >= TTL) return 'bytes that nobody was given within the lifetime'
  if ((overtaken.get(body) ?? 0) >= last) return 'bytes overtaken by a change'
  return null
}

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

t.test(
  'nobody is served what the upstream did not give them, or what a change has overtaken',
  (t) => {
    t.comment(`seed ${seed}`)
    fc.assert(
      fc.property(steps, (plan) => {
        const wrong = walk(plan, SOUND)
        if (wrong !== null) throw new Error(wrong)
      }),
      { numRuns: 20_000, seed },
    )
    t.pass('20,000 walks')
    t.end()
  },
)

for (const [name, rules] of Object.entries(MUTANTS)) {
  t.test(`the property catches a mutant with ${name}`, (t) => {
    const result = fc.check(
      fc.property(steps, (plan) => walk(plan, rules) === null),
      { numRuns: 20_000, seed },
    )
    t.equal(result.failed, true)
    t.comment(
      `caught after ${result.numRuns} runs, shrunk to ${JSON.stringify(result.counterexample)}`,
    )
    t.end()
  })
}
