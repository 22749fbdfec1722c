/** Turns that a walk settles on the way: who gets them, and what becomes of those that nobody asks for. */
import t from 'tap'
import { NO_DIRECTIVES } from '../../../src/cache/cache-control.ts'
import type { Key } from '../../../src/cache/key.ts'
import type { SharedTier, TierRead, Turn } from '../../../src/cache/ports.ts'
import { type ReadRequest, readRequest } from '../../../src/cache/request.ts'
import type { MissVerdict } from '../../../src/cache/served.ts'
import { TierWalk, type TierWalkDependencies } from '../../../src/cache/tier-walk.ts'
import { matchRead } from '../../../src/contract/routes.ts'
import { FakeClock } from '../../helpers/clock.ts'

const MISS = { kind: 'miss', reason: 'uri-miss' } as unknown as MissVerdict

const request = (directives = NO_DIRECTIVES): ReadRequest => {
  const match = matchRead('/customers/1')
  if (match.kind !== 'cached') throw new Error('it is a cached route')
  return readRequest({
    match: match.match,
    tenant: '7',
    version: null,
    credential: { partition: 'p', holder: 'h', sealFor: () => Buffer.alloc(32), former: [] },
    directives,
    pins: { current: () => null, adopt: () => {} },
  })
}

/** A tier that has nothing, cannot be asked, and gives `turn` on the way. */
function make(turn: Partial<Turn>) {
  const seen = { wanted: [] as (Key | null)[], asked: 0, ended: 0 }
  const offered: Turn = {
    isOurs: true,
    landed: Promise.resolve(null),
    end: () => void seen.ended++,
    ...turn,
  }
  const tier: Partial<SharedTier> = {
    isUsable: true,
    read: async (_query, wanted): Promise<TierRead> => {
      seen.wanted.push(wanted)
      return { found: null, turn: wanted === null ? null : offered }
    },
    takeTurn: async () => {
      seen.asked++
      return offered
    },
  }
  const dependencies = {
    tier,
    sharing: { scopeOf: () => '' },
    standings: { isAccepted: () => true },
    clock: new FakeClock(),
    reporter: { walked: () => {} },
  } as unknown as TierWalkDependencies
  return { walk: new TierWalk(dependencies), seen, offered }
}

const anImmediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

t.test(
  'the turn of a walk is for whoever asks first, and nobody is asked for it again',
  async (t) => {
    const { walk, seen, offered } = make({})
    const both = [walk.bring(request(), MISS), walk.bring(request(), MISS)]
    await Promise.all(both)
    t.equal(await walk.takeTurn(request(), MISS), offered)
    t.strictSame([seen.wanted.length, seen.asked], [1, 0])
    await anImmediate()
    t.equal(seen.ended, 0, 'it ends with the fill')
    await walk.takeTurn(request(), MISS)
    t.equal(seen.asked, 1, 'it is there once')
  },
)

t.test('a turn that nobody asks for is given back at once', async (t) => {
  const { walk, seen } = make({})
  await walk.bring(request(), MISS)
  await anImmediate()
  t.equal(seen.ended, 1)
  await walk.takeTurn(request(), MISS)
  t.equal(seen.asked, 1)
})

t.test('who will not ask the upstream takes no turn', async (t) => {
  const { walk, seen } = make({})
  await walk.bring(request({ ...NO_DIRECTIVES, onlyIfCached: true }), MISS)
  t.strictSame(seen.wanted, [null])
})

t.test('who asks on behalf of nobody takes no turn', async (t) => {
  const { walk, seen } = make({})
  const unstored = request({ ...NO_DIRECTIVES, noStore: true })
  await walk.bring(unstored, MISS)
  t.strictSame(seen.wanted, [null])
  t.equal(await walk.takeTurn(unstored, MISS), undefined)
  t.equal(seen.asked, 0)
})

t.test('who has waited looks again, and asks only if the turn came to him', async (t) => {
  const heir: Turn = { isOurs: true, landed: Promise.resolve(null), end: () => {} }
  for (const inherited of [null, heir]) {
    const { walk, seen } = make({ isOurs: false, landed: Promise.resolve(inherited) })
    await walk.bring(request(), MISS)
    t.equal(await walk.takeTurn(request(), MISS), inherited)
    t.strictSame(seen.wanted.slice(1), [null], 'looked once more, and took nothing')
  }
})
