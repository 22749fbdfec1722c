/** The memory tier is shared fairly between tenants: who gives way, who does not, and what it costs. */
import { LRUCache } from 'lru-cache'
import t from 'tap'
import type { MemoryStore } from '../../../src/cache/ports.ts'
import type { Admission, StoredRecord } from '../../../src/cache/records.ts'
import { createMemoryStore, IN_USE_MS } from '../../../src/stores/memory-store.ts'
import { representation } from '../../contract/memory-store.ts'
import { FakeClock } from '../../helpers/clock.ts'

const MIB = 1_048_576
const MINUTE = 60_000

/** Numbers in [0, 1) that are the same in each run. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function admission(): Admission {
  return { kind: 'admission', holder: 'h', expiresAt: Infinity, stamp: [] }
}

/** Reads as the cache does: what is not there is filled. True: it was. */
function read(store: MemoryStore, tenant: string, id: number, record: StoredRecord): boolean {
  const key = `${tenant}:${id}`
  if (store.get(key) !== undefined) return true
  store.set(key, record, tenant)
  return false
}

function hitsOf(store: MemoryStore, tenant: string, count: number): number {
  let hits = 0
  for (let id = 0; id < count; id++) hits += Number(store.get(`${tenant}:${id}`) !== undefined)
  return hits
}

t.test('a tenant that reads 600 ids takes none of the 20 of another', (t) => {
  const store = createMemoryStore({ maxBytes: MIB })
  const body = representation(2_000)
  for (let id = 0; id < 20; id++) read(store, '7', id, body)
  for (let id = 0; id < 600; id++) read(store, '8', id, body)
  t.equal(hitsOf(store, '7', 20), 20)
  t.ok(hitsOf(store, '8', 600) > 0)
  t.ok(hitsOf(store, '8', 600) < 600, 'the budget did not hold them all')
  t.end()
})

t.test('one tenant alone has all of the budget, by recency, as of plain LRU', (t) => {
  const maxBytes = 200_000
  const store = createMemoryStore({ maxBytes })
  const sized = createMemoryStore({ maxBytes })
  const plain = new LRUCache<string, StoredRecord>({ maxSize: maxBytes, maxEntrySize: maxBytes })
  const random = randomFrom(1)
  for (let i = 0; i < 20_000; i++) {
    const id = Math.floor(400 * random() * random())
    const record = representation((id * 37) % 3_000)
    const key = `7:${id}`
    if (sized.entries > 0) sized.delete(key)
    const before = sized.bytes
    sized.set(key, record, '7')
    const size = sized.bytes - before
    sized.delete(key)
    const isHit = read(store, '7', id, record)
    if (isHit !== (plain.get(key) !== undefined)) t.bailout(`read ${i} differs`)
    if (!isHit) plain.set(key, record, { size })
  }
  t.equal(store.bytes, plain.calculatedSize)
  t.ok(store.entries > 50 && store.entries < 390)
  t.end()
})

t.test(
  'a tenant that asks for ten times as many ids costs quiet tenants under a tenth of their hits',
  (t) => {
    const QUIET = 9
    const random = randomFrom(2)
    const shareOfHits = (noisy: boolean): number => {
      const store = createMemoryStore({ maxBytes: MIB })
      const body = representation(2_000)
      let fresh = 0
      let hits = 0
      const ROUNDS = 20_000
      for (let i = 0; i < ROUNDS; i++) {
        const id = Math.floor(40 * random() ** 2)
        hits += Number(read(store, `quiet-${i % QUIET}`, id, body))
        if (noisy) for (let n = 0; n < 10; n++) read(store, 'noisy', fresh++, body)
      }
      return hits / ROUNDS
    }
    const without = shareOfHits(false)
    const beside = shareOfHits(true)
    t.ok(without > 0.8, `${without} of reads were hits without it`)
    t.ok(beside >= 0.9 * without, `${beside} beside it, ${without} without`)
    t.end()
  },
)

/** Ranks below `count` by Zipf's law, exponent 1. */
function zipf(count: number, random: () => number): () => number {
  let sum = 0
  const sums = Float64Array.from({ length: count }, (_, rank) => {
    sum += 1 / (rank + 1)
    return sum
  })
  return () => {
    const at = random() * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] as number) < at) low = middle + 1
      else high = middle
    }
    return low
  }
}

const TENANTS = 100
const CUSTOMERS = 200
/** Which tenant reads what: each its own customers by Zipf, or all customers of all by one law. */
const WORKLOADS: Readonly<Record<string, (random: () => number) => () => [number, number]>> = {
  'each reads by Zipf': (random) => {
    const ids = zipf(CUSTOMERS, random)
    return () => [Math.floor(TENANTS * random()), ids()]
  },
  'all customers are read by Zipf': (random) => {
    const ids = zipf(TENANTS * CUSTOMERS, random)
    return () => {
      const id = ids()
      return [id % TENANTS, id]
    }
  },
}

for (const [name, workload] of Object.entries(WORKLOADS)) {
  t.test(`100 tenants, ${name}: at least 0.99 of the hits of plain LRU`, (t) => {
    const RECORD = 3_000
    const READS = 150_000
    const record = representation(RECORD - 1_070)
    for (const budget of [0.05, 0.3, 0.8]) {
      const maxBytes = budget * TENANTS * CUSTOMERS * RECORD
      const store = createMemoryStore({ maxBytes })
      const plain = new LRUCache<string, true>({ maxSize: maxBytes })
      const next = workload(randomFrom(3))
      let fairHits = 0
      let plainHits = 0
      for (let i = 0; i < READS; i++) {
        const [tenant, id] = next()
        fairHits += Number(read(store, String(tenant), id, record))
        const key = `${tenant}:${id}`
        const isHit = plain.get(key) === true
        plainHits += Number(isHit)
        if (!isHit) plain.set(key, true, { size: RECORD })
      }
      t.ok(plainHits > READS * 0.25 && plainHits < READS * 0.97, 'there is something to lose')
      t.ok(fairHits >= 0.99 * plainHits, `budget ${budget}: ${fairHits} hits, LRU ${plainHits}`)
    }
    t.end()
  })
}

t.test('a tenant at or below its share loses nothing while another is above', (t) => {
  const maxBytes = 100_000
  const clock = new FakeClock()
  const store = createMemoryStore({ maxBytes, clock })
  const random = randomFrom(4)
  let evictions = 0
  for (let i = 0; i < 20_000; i++) {
    const tenant = String(Math.floor(12 * random() ** 3))
    const key = `${tenant}:${Math.floor(1_000 * random())}`
    const before = new Map(store.largestTenants(100).map((each) => [each.tenant, each.bytes]))
    store.set(key, representation(Math.floor(4_000 * random())), tenant)
    const after = new Map(store.largestTenants(100).map((each) => [each.tenant, each.bytes]))
    const share = maxBytes / after.size
    for (const [each, bytes] of before) {
      const left = after.get(each) ?? 0
      if (each === tenant || left === bytes) continue
      evictions++
      const largest = Math.max(...after.values())
      // It gave way as the largest: nobody has more than it had, and it had more than its share.
      if (bytes < largest || bytes <= share) t.bailout(`step ${i}: ${each} had ${bytes}`)
    }
  }
  t.ok(evictions > 1_000)
  t.end()
})

t.test('a tenant without a hit or a fill for ten minutes has no share; one with a hit has', (t) => {
  const clock = new FakeClock()
  const store = createMemoryStore({ maxBytes: MIB, clock })
  const body = representation(2_000)
  for (let id = 0; id < 20; id++) {
    read(store, 'left', id, body)
    read(store, 'stays', id, body)
  }
  for (let minutes = 0; minutes < 11; minutes++) {
    clock.advance(MINUTE)
    t.equal(hitsOf(store, 'stays', 20), 20)
    read(store, 'other', minutes, body)
  }
  for (let id = 0; id < 600; id++) read(store, 'noisy', id, body)
  t.equal(hitsOf(store, 'left', 20), 0, 'what nobody uses gives way first')
  t.equal(hitsOf(store, 'stays', 20), 20)
  t.equal(hitsOf(store, 'other', 11), 11)
  t.end()
})

t.test('tenants that had nothing but hits for longer than ten minutes keep their share', (t) => {
  const clock = new FakeClock()
  const store = createMemoryStore({ maxBytes: MIB, clock })
  const body = representation(2_000)
  for (let id = 0; id < 20; id++) read(store, '7', id, body)
  clock.advance(2 * IN_USE_MS)
  t.equal(hitsOf(store, '7', 20), 20)
  for (let id = 0; id < 600; id++) read(store, '8', id, body)
  t.equal(hitsOf(store, '7', 20), 20)
  t.end()
})

t.test(
  'a million random steps keep the sum over tenants at the bytes in use, within the budget',
  (t) => {
    const maxBytes = 2_000_000
    const clock = new FakeClock()
    const store = createMemoryStore({ maxBytes, clock })
    const random = randomFrom(5)
    const record = admission()
    const bodies = Array.from({ length: 64 }, (_, i) => representation(i * 100))
    const STEPS = 1_000_000
    for (let i = 0; i < STEPS; i++) {
      const tenant = `t${Math.floor(300 * random() ** 2)}`
      const key = `${tenant}:${Math.floor(100 * random())}`
      const dice = random()
      if (dice < 0.6) store.get(key)
      else if (dice < 0.65) store.delete(key)
      else store.set(key, dice < 0.8 ? record : (bodies[i % 64] as StoredRecord), tenant)
      if (i % 97 === 0) clock.advance(1_000 * random())
      if (store.bytes > maxBytes) t.bailout(`step ${i}: ${store.bytes} bytes`)
      if (i % 20_000 === 0) {
        const all = store.largestTenants(1_000)
        t.equal(
          all.reduce((sum, { bytes }) => sum + bytes, 0),
          store.bytes,
        )
        t.ok(all.every(({ bytes }, n) => bytes > 0 && bytes <= (all[n - 1]?.bytes ?? Infinity)))
      }
    }
    t.ok(store.entries > 100)
    t.end()
  },
)

t.test('a tenant whose last record has gone leaves nothing behind', (t) => {
  const store = createMemoryStore({ maxBytes: MIB })
  for (let i = 0; i < 100_000; i++) {
    store.set(`k${i}`, admission(), `tenant-${i}`)
    if (i % 2 === 0) store.delete(`k${i}`)
  }
  t.equal(
    store.largestTenants(Infinity).length,
    store.entries,
    'one record each, and no tenant without',
  )
  for (const { tenant } of store.largestTenants(Infinity)) store.delete(`k${tenant.slice(7)}`)
  t.strictSame([store.bytes, store.entries, store.largestTenants(1)], [0, 0, []])
  t.end()
})
