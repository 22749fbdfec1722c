/** How often entries of the memory tier have made room for others. */
import { Counter, type Registry } from 'prom-client'
import type { MemoryStore } from '../cache/ports.ts'

export function addEvictions(registry: Registry, memory: Pick<MemoryStore, 'evictions'>): void {
  new Counter({
    name: 'layby_memory_evictions_total',
    help: 'Records of the memory tier that made room for others',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(memory.evictions)
    },
  })
}
