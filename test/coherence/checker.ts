/**
 * Judges a history of reads and writes of registers that only ever grow (reliability section 5): a read that
 * begins later than a write was confirmed, by more than the bound, must show that write or a later one.
 */

/** Monotonic milliseconds throughout. */
export interface ConfirmedWrite {
  readonly key: string
  readonly instance: number
  readonly version: number
  readonly confirmedAt: number
  /** From when on the bound counts for other instances: later than `confirmedAt` if the writer was cut off. */
  readonly knownFrom: number
}

export interface Read {
  readonly key: string
  readonly instance: number
  readonly version: number
  readonly invokedAt: number
  /** What was going on, or had just ended. */
  readonly fault: string
}

export interface Violation extends Read {
  readonly missed: ConfirmedWrite
  /** How long the missed write had been confirmed. Milliseconds. */
  readonly lateBy: number
}

export interface Bounds {
  /** For a write through the same instance. */
  readonly sameMs: number
  /** For a write through another one. */
  readonly otherMs: (fault: string) => number
}

export class Checker {
  readonly #writes = new Map<string, ConfirmedWrite[]>()
  readonly #bounds: Bounds
  readonly violations: Violation[] = []
  /** Fault → how long missed writes had been confirmed when a read began that did not show them. */
  readonly lateness = new Map<string, number[]>()
  reads = 0
  writes = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  confirmed(write: ConfirmedWrite): void {
    this.writes++
    const known = this.#writes.get(write.key)
    if (known === undefined) this.#writes.set(write.key, [write])
    else known.push(write)
  }

  /** To be called when all writes are known that were confirmed before the read began. */
  judge(read: Read): void {
    this.reads++
    let worst: ConfirmedWrite | undefined
    let latest = 0
    for (const write of this.#writes.get(read.key) ?? []) {
      if (write.version <= read.version || write.confirmedAt > read.invokedAt) continue
      const isOwn = write.instance === read.instance
      const bound = isOwn ? this.#bounds.sameMs : this.#bounds.otherMs(read.fault)
      const lateBy = read.invokedAt - (isOwn ? write.confirmedAt : write.knownFrom)
      latest = Math.max(latest, lateBy)
      if (lateBy > bound) worst ??= write
    }
    if (latest > 0) this.#note(read.fault, latest)
    if (worst !== undefined) {
      const lateBy = read.invokedAt - worst.confirmedAt
      this.violations.push({ ...read, missed: worst, lateBy })
    }
  }

  #note(fault: string, lateBy: number): void {
    const known = this.lateness.get(fault)
    if (known === undefined) this.lateness.set(fault, [lateBy])
    else known.push(lateBy)
  }
}
