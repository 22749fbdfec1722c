import t from 'tap'
import { createMemoryStore } from '../../src/stores/memory-store.ts'
import { memoryStoreContract, representation } from './memory-store.ts'

t.test('the memory tier', (t) =>
  memoryStoreContract(t, (maxBytes) => createMemoryStore({ maxBytes })),
)

t.test('what the compressed forms of a body may take counts with it', (t) => {
  const plain = createMemoryStore({ maxBytes: 1_000_000 })
  const store = createMemoryStore({ maxBytes: 1_000_000, formBytes: (length) => 3 * length })
  for (const each of [plain, store]) each.set('a', representation(2_000), '7')
  t.equal(store.bytes - plain.bytes, 6_000)
  t.end()
})
