/** How much memory the process may have, and how near to that its heap is: as metrics. */
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { Gauge, type Registry } from 'prom-client'

export function addMemoryLimits(registry: Registry): void {
  const registers = [registry]
  new Gauge({
    name: 'layby_process_memory_limit_bytes',
    help: 'Memory that the process may have: the limit of its control group, or else all of the machine',
    registers,
  }).set(memoryLimit(process.constrainedMemory(), totalmem()))
  new Gauge({
    name: 'layby_heap_used_ratio',
    help: 'Part of the heap that Node.js allows itself which is in use, from 0 to 1; of several processes the highest',
    registers,
    collect() {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
      this.set(used / limit)
    },
  })
}

/**
 * Bytes. Without a limit the system names none, or one that is larger than any memory.
 *
 * @param constrained as `process.constrainedMemory()` gives it; 0 or undefined: not known
 * @param total of the machine
 */
export function memoryLimit(constrained: number | undefined, total: number): number {
  return constrained === undefined || constrained === 0 ? total : Math.min(constrained, total)
}
