/** A worker that hears late, and, as a mutant, does not wait for the others to have heard (`FAULTS`). */
import { PrimaryLink } from '../../src/processes/link.ts'

export interface WorkerFaults {
  /** Milliseconds. */
  readonly hearsLate: number
  readonly waitsForNobody: boolean
}

const { hearsLate, waitsForNobody } = JSON.parse(process.env['FAULTS'] ?? '{}') as WorkerFaults

if (hearsLate > 0) {
  const { receive } = PrimaryLink.prototype
  PrimaryLink.prototype.receive = function late(this: PrimaryLink, message) {
    setTimeout(() => receive.call(this, message), hearsLate)
  }
}
if (waitsForNobody) {
  const { tell } = PrimaryLink.prototype
  PrimaryLink.prototype.tell = async function hasty(this: PrimaryLink, news) {
    void tell.call(this, news)
  }
}
await import('../../src/processes/worker.ts')
