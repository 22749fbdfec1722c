/**
 * What is foretold of the next read is what happens to it, byte for byte, in ten thousand random states; and
 * foretelling changes nothing. An explanation that forgets one clause is caught.
 */
import fc from 'fast-check'
import t from 'tap'
import { untracked } from '../../helpers/untracked.ts'
import { type Comparison, commands, type Mutant, settings, World } from './explain-world.ts'

t.setTimeout(600_000)

const STATES = Number(process.env['EXPLAIN_STATES'] ?? 10_000)
const SEED = Number(process.env['EXPLAIN_SEED'] ?? Date.now() % 1_000_000)

const plot = fc.tuple(settings, commands)
type Plot = typeof plot extends fc.Arbitrary<infer T> ? T : never

const SOUND: Mutant = (found) => found

async function play([world, all]: Plot, mutant: Mutant = SOUND): Promise<Comparison[]> {
  const played = new World(world)
  const comparisons: Comparison[] = []
  for (const command of all) {
    comparisons.push(...(await played.run(command, (asked) => played.foretell(asked, mutant))))
  }
  return comparisons
}

function isRight({ foretold, seen }: Comparison): boolean {
  return foretold.status === seen.status && foretold.problem === seen.problem
}

t.test('what is foretold is what happens', async (t) => {
  await untracked(t)
  t.comment(`seed ${SEED}`)
  const kinds = new Map<string, number>()
  let states = 0
  for (let round = 0; states < STATES; round++) {
    await fc.assert(
      fc.asyncProperty(plot, async (one) => {
        for (const comparison of await play(one)) {
          states++
          const { status, problem } = comparison.seen
          const kind = problem ?? status?.replace(/-?\d+/g, 'N') ?? ''
          kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
          if (!isRight(comparison)) throw new Error(tell(comparison))
        }
      }),
      { seed: SEED + round, numRuns: 50 },
    )
  }
  t.ok(states >= STATES, `${states} states`)
  for (const [kind, count] of [...kinds].sort()) t.comment(`${count} ${kind}`)
})

function tell({ foretold, seen }: Comparison): string {
  const { found, ...rest } = foretold
  return JSON.stringify({ ...rest, seen, found: { ...found, standing: found.standing } }, null, 1)
}

/** An explanation that forgets a clause, and so must be wrong somewhere. */
const MUTANTS: Record<string, Mutant> = {
  'the version pin': (found) => ({
    ...found,
    standing: {
      ...found.standing,
      pinnedVersion: found.standing.grant?.kind === 'grant' ? found.standing.grant.version : null,
    },
  }),
  'the fences': (found) => ({
    ...found,
    standing: {
      ...found.standing,
      grantHolds: true,
      admissionHolds: true,
      representationHolds: true,
    },
  }),
  'a soft purge': (found) => ({
    ...found,
    standing: { ...found.standing, isMarked: false },
  }),
  'the admission': ({ standing, ...found }) => ({
    ...found,
    standing: {
      ...standing,
      admission: { kind: 'admission', holder: standing.holder, expiresAt: Infinity, stamp: [] },
      admissionHolds: true,
    },
  }),
  'that a grant lapses': ({ standing, ...found }) => ({
    ...found,
    standing:
      standing.grant?.kind === 'grant'
        ? { ...standing, grant: { ...standing.grant, expiresAt: Infinity } }
        : standing,
  }),
  'stale service': (found) => ({
    ...found,
    limits: { staleWhileRevalidateMs: 0, staleIfErrorMs: 0 },
  }),
  'a write under way': (found) => ({ ...found, isWritePending: false }),
  'requests under way': (found) => ({
    ...found,
    underWay: { refresh: null, fill: null, isElsewhere: false },
  }),
  'the guards of the upstream': (found) => ({ ...found, refusal: null }),
  'an overloaded process': (found) => ({ ...found, isOverloaded: false }),
}

for (const [clause, mutant] of Object.entries(MUTANTS)) {
  t.test(`an explanation that forgets ${clause} is found out`, async (t) => {
    await untracked(t)
    let isFoundOut = false
    const look = fc.asyncProperty(plot, async (one) => {
      isFoundOut ||= (await play(one, mutant)).some((comparison) => !isRight(comparison))
      if (isFoundOut) throw new Error('found out')
    })
    await fc.check(look, { seed: SEED, numRuns: 2_000, endOnFailure: true })
    t.ok(isFoundOut)
  })
}

t.test('with and without explanations, everything happens alike', async (t) => {
  await untracked(t)
  t.comment(`seed ${SEED}`)
  await fc.assert(
    fc.asyncProperty(plot, async ([world, all]) => {
      const explained = new World(world)
      const left = new World(world)
      for (const command of all) {
        await explained.run(command, (asked) => explained.foretell(asked, SOUND))
        await left.run(command, async () => null)
        if (explained.doings !== left.doings) throw new Error(JSON.stringify(command))
      }
      if (JSON.stringify(explained.seen) !== JSON.stringify(left.seen))
        throw new Error('they differ')
    }),
    { seed: SEED, numRuns: 200 },
  )
  t.pass()
})

t.test('an explanation by itself leaves no trace', async (t) => {
  await untracked(t)
  await fc.assert(
    fc.asyncProperty(plot, async ([world, all]) => {
      const one = new World(world)
      for (const command of all) {
        const before = one.doings
        for (const version of [0, 1, 2] as const) {
          await one.foretell({ who: 0, customer: '1', version }, SOUND)
        }
        if (one.doings !== before) throw new Error(`${before}\n${one.doings}`)
        await one.run(command, async () => null)
      }
    }),
    { seed: SEED, numRuns: 50 },
  )
  t.pass()
})
