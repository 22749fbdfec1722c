import t from 'tap'
import { createMemoryStore } from '../../src/stores/memory-store.ts'
import { memoryStoreContract } from './memory-store.ts'

t.test('the memory tier on lru-cache', (t) =>
  memoryStoreContract(t, (maxBytes) => createMemoryStore({ maxBytes })),
)
