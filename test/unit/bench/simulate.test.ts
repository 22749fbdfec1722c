import t from 'tap'
import { type Plan, planShift } from '../../../bench/simulate/plan.ts'
import { faults, type Row, saved, table } from '../../../bench/simulate/report.ts'
import {
  MAX_FETCH_MS,
  runShift,
  type ShiftOverrides,
  type ShiftResult,
} from '../../../bench/simulate/shift.ts'
import type { Sharing } from '../../../src/cache/entitlement.ts'
import type { MemoryStore } from '../../../src/cache/ports.ts'
import type { StoredRecord } from '../../../src/cache/records.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import { LocalFences } from '../../../src/stores/local-fences.ts'
import { createMemoryStore } from '../../../src/stores/memory-store.ts'

const TTL_MS = 300_000
const LIFETIMES = { ttlMs: TTL_MS, grantTtlMs: 900_000, credentialTtlMs: 300_000 }
const PLAN = planShift({ hours: 1, seed: 7, unseen: 0.25 })

function shift(
  sharing: Sharing,
  overrides: ShiftOverrides = {},
  plan: Plan = PLAN,
): Promise<ShiftResult> {
  return runShift(plan, { sharing, ...LIFETIMES, seed: 7, isAlike: false }, overrides)
}

function rowOf(sharing: Sharing, result: ShiftResult): Row {
  return { sharing, ...LIFETIMES, result }
}

/** The real memory tier, but that some records are found under other keys or look different. */
function memoryWith(get: (key: string, real: MemoryStore) => ReturnType<MemoryStore['get']>) {
  const real = createMemoryStore({ maxBytes: 67_108_864 })
  const memory: MemoryStore = {
    get: (key) => get(key, real),
    peek: (key) => real.peek(key),
    set: (key, record, tenant) => real.set(key, record, tenant),
    delete: (key) => real.delete(key),
    largestTenants: (count) => real.largestTenants(count),
    bytes: 0,
    entries: 0,
    evictions: 0,
  }
  return memory
}

for (const sharing of ['witnessed', 'credential'] as const) {
  t.test(`a shift in ${sharing} sharing keeps every promise`, async (t) => {
    const result = await shift(sharing)
    t.equal(result.reads, PLAN.events.filter(({ kind }) => kind === 'read').length)
    t.equal(result.foreignAnswers, 0)
    t.equal(result.olderThanKnownWrite, 0)
    t.ok(result.age.worst <= TTL_MS * 1.1 + MAX_FETCH_MS)
    t.ok(result.age.worst > TTL_MS / 2, 'copies are used for most of their life')
    t.ok(result.staleness.worst <= TTL_MS * 1.1 + MAX_FETCH_MS)
    t.ok(result.outdatedAnswers > 0, 'unseen writes show')
    t.ok((result.outcomes.follower ?? 0) > 0, 'fills are shared')
    t.same(faults([rowOf(sharing, result)]), [])
  })
}

t.test('witnessed sharing saves more upstream reads than credential sharing', async (t) => {
  const witnessed = await shift('witnessed')
  const credential = await shift('credential')
  t.equal(witnessed.reads, credential.reads)
  t.ok(saved(witnessed) > saved(credential) + 1)
  t.ok(saved(credential) > 10)
})

t.test('tenant sharing trips, and gives nothing foreign away while it is tripped', async (t) => {
  const result = await shift('tenant')
  t.ok(result.trips.length > 0)
  t.ok(result.foreignBeforeTrip > 0)
  t.ok(result.otherViewBeforeTrip > 0)
  t.equal(result.foreignWhileTripped, 0)
  t.same(faults([rowOf('tenant', result)]), [])
})

t.test('the same seed gives the same shift', async (t) => {
  t.same(await shift('witnessed'), await shift('witnessed'))
  const planOf = (seed: number) => JSON.stringify(planShift({ hours: 1, seed, unseen: 0.25 }))
  t.ok(planOf(7) === JSON.stringify(PLAN))
  t.ok(planOf(8) !== planOf(7))
})

t.test('a shift has the reads that the issue asks for', (t) => {
  const { events, readers } = planShift({ hours: 8, seed: 1, unseen: 0.25 })
  const reads = events.filter((event) => event.kind === 'read')
  const ofDispatchers = reads.filter((event) => readers[event.reader] === 'dispatcher').length
  t.equal(readers.length, 55)
  t.equal(ofDispatchers, 5 * 3 * 60 * 8, 'five dispatchers, every 20 seconds')
  t.equal(reads.length - ofDispatchers, 50 * 15 * 8, 'fifty drivers, 15 stops, 8 reads')
  t.equal(events.filter(({ kind }) => kind === 'write').length, 8 * 30, 'every 2 minutes')
  t.ok(events.every(({ at }) => at >= 0 && at <= 8 * 3_600_000 + 60_000))
  t.end()
})

t.test('the oracle notices one partition for all credentials', async (t) => {
  const result = await shift('witnessed', { partitionOf: () => 'everybody' })
  t.ok(result.foreignAnswers > 0)
  t.ok(result.otherView > 0)
  t.match(faults([rowOf('witnessed', result)]).join(), 'not given to their reader')
})

t.test("the oracle notices another credential's grant", async (t) => {
  // "1:g" view partition: without the partition, all grants of a view are one.
  const viewOf = (key: string): string => key.replace(/43:[\w-]{43}$/, '')
  const latest = new Map<string, string>()
  let isHolderForged = false
  const memory = memoryWith((key, real) => {
    const found = real.get(key.startsWith('1:g') ? (latest.get(viewOf(key)) ?? key) : key)
    return found?.kind === 'grant' && isHolderForged ? { ...found, holder: key.slice(-43) } : found
  })
  const set: MemoryStore['set'] = (key, record, tenant) => {
    if (record.kind === 'grant') latest.set(viewOf(key), key)
    memory.set(key, record, tenant)
  }
  const guarded = await shift('witnessed', { core: () => ({ memory: { ...memory, set } }) })
  t.equal(guarded.foreignAnswers, 0, 'found under a wrong key, it still says whose it is')
  isHolderForged = true
  const result = await shift('witnessed', { core: () => ({ memory: { ...memory, set } }) })
  t.ok(result.foreignAnswers > 0)
})

t.test('the oracle notices fences that hold whatever happens', async (t) => {
  const core = (clock: Clock) => {
    const fences = new Proxy(new LocalFences({ clock, maxFences: 100_000 }), {
      get: (real, name) => {
        if (name === 'holds') return () => true
        const member: unknown = Reflect.get(real, name, real)
        return typeof member === 'function' ? member.bind(real) : member
      },
    })
    return { fences }
  }
  const result = await shift('witnessed', { core })
  t.ok(result.olderThanKnownWrite > 0)
  t.match(faults([rowOf('witnessed', result)]).join(), 'older than a known write')
})

t.test('the oracle notices records that outlive their lifetime', async (t) => {
  // Four hours, and bodies that are fresh all the time: so that the other two lifetimes show.
  const plan = planShift({ hours: 4, seed: 7, unseen: 0.25 })
  const lasting = { ...LIFETIMES, ttlMs: 14_400_000 }
  const granted = { ...lasting, grantTtlMs: 14_400_000 }
  const sound = await runShift(plan, { ...lasting, sharing: 'witnessed', seed: 7, isAlike: false })
  t.same(faults([{ ...rowOf('witnessed', sound), ...lasting }]), [])
  for (const [kind, member, promise, lifetimes] of [
    ['representation', 'freshUntil', 'older than the TTL', LIFETIMES],
    ['admission', 'expiresAt', 'after the credential TTL', granted],
    ['grant', 'expiresAt', 'after the grant TTL', lasting],
  ] as const) {
    const memory = memoryWith((key, real) => {
      const record = real.get(key)
      return record?.kind === kind ? ({ ...record, [member]: Infinity } as StoredRecord) : record
    })
    const settings = { ...lifetimes, sharing: 'witnessed', seed: 7, isAlike: false } as const
    const result = await runShift(plan, settings, { core: () => ({ memory }) })
    const told = faults([{ ...rowOf('witnessed', result), ...lifetimes }])
    t.match(told.join(), promise, kind)
  }
})

t.test('the table has a line for each row, aligned', async (t) => {
  const lines = table([rowOf('witnessed', await shift('witnessed'))]).split('\n')
  t.equal(lines.length, 3)
  t.equal(new Set(lines.map(({ length }) => length)).size, 1)
  t.match(lines[2], /^\| witnessed \| 5 min \|/)
})
