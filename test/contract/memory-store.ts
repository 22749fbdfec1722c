/** What every memory tier must do; run over the real one and over each stand-in. */
import type { Test } from 'tap'
import type { MemoryStore } from '../../src/cache/ports.ts'
import type { Representation } from '../../src/cache/records.ts'

export function representation(bytes: number): Representation {
  return {
    kind: 'representation',
    digest: 'D',
    status: 200,
    reason: 'OK',
    headers: [['content-type', 'application/json']],
    date: null,
    body: Buffer.alloc(bytes, 0x20),
    etag: '"x"',
    version: '2019/02/08',
    generatedAt: 0,
    servedAt: 0,
    confirmedAt: 0,
    freshUntil: 1,
    staleUntil: 1,
    stamp: [['t1:7', '1']],
  }
}

/** @param make a new store that holds about so many bytes */
export async function memoryStoreContract(
  t: Test,
  make: (maxBytes: number) => MemoryStore,
): Promise<void> {
  await t.test('gives back what was set, the same object, at once', (t) => {
    const store = make(1_000_000)
    const record = representation(100)
    t.equal(store.get('a'), undefined)
    store.set('a', record, '7')
    t.equal(store.get('a'), record)
    t.equal(store.entries, 1)
    store.delete('a')
    t.equal(store.get('a'), undefined)
    t.equal(store.entries, 0)
    t.end()
  })

  await t.test('a later set replaces an earlier one', (t) => {
    const store = make(1_000_000)
    store.set('a', representation(100), '7')
    store.set('a', { kind: 'superseded', at: 5 }, '7')
    t.strictSame(store.get('a'), { kind: 'superseded', at: 5 })
    t.equal(store.entries, 1)
    t.end()
  })

  await t.test('stays within its bytes, whatever is set, and keeps what was used last', (t) => {
    const limit = 200_000
    const store = make(limit)
    for (let i = 0; i < 5_000; i++) {
      store.set(`k${i}`, representation((i * 7_919) % 4_000), '7')
      if (i % 10 === 0) store.set('kept', representation(10), '7')
      t.ok(store.bytes <= limit) || t.bailout('over the limit')
    }
    t.ok(store.get('kept') !== undefined)
    t.ok(store.entries < 5_000)
    t.end()
  })

  await t.test('an entry that is larger than the store is not kept, and evicts nothing', (t) => {
    const store = make(10_000)
    store.set('small', representation(10), '7')
    store.set('large', representation(20_000), '7')
    t.equal(store.get('large'), undefined)
    t.ok(store.get('small') !== undefined)
    t.end()
  })

  await t.test('counts the bytes of bodies, headers, keys and stamps', (t) => {
    const store = make(1_000_000)
    store.set('a', representation(20_000), '7')
    const one = store.bytes
    t.ok(one > 20_000)
    store.set('b', representation(20_000), '7')
    t.equal(store.bytes, 2 * one)
    t.end()
  })
}
