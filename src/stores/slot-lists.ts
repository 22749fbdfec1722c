/**
 * Doubly linked lists through numbered slots, in flat arrays of numbers: to put a slot first writes five numbers
 * into them, which costs a hit less than as many references between objects, and the collector nothing.
 */

/** No slot; the first one is 1. */
export const NONE = 0

const FIRST_CAPACITY = 1_024

export interface SlotList {
  newest: number
  oldest: number
}

export class SlotLists {
  #newer = new Uint32Array(FIRST_CAPACITY)
  #older = new Uint32Array(FIRST_CAPACITY)
  /** Slots that were used before and are free, the last one freed first; chained by `#older`. */
  #free = NONE
  #highest = 0

  /** A slot that is in no list. */
  take(): number {
    const slot = this.#free
    if (slot === NONE) return this.#extend()
    this.#free = this.#older[slot] as number
    return slot
  }

  /** Puts a slot that is in no list first. */
  prepend(list: SlotList, slot: number): void {
    const { newest } = list
    this.#newer[slot] = NONE
    this.#older[slot] = newest
    if (newest === NONE) list.oldest = slot
    else this.#newer[newest] = slot
    list.newest = slot
  }

  /** Puts a slot of the list first. */
  refresh(list: SlotList, slot: number): void {
    const { newest } = list
    if (newest === slot) return
    const newer = this.#newer[slot] as number
    const older = this.#older[slot] as number
    this.#older[newer] = older
    if (older === NONE) list.oldest = newer
    else this.#newer[older] = newer
    this.#newer[slot] = NONE
    this.#older[slot] = newest
    this.#newer[newest] = slot
    list.newest = slot
  }

  /** Takes a slot out of the list and gives it back. */
  release(list: SlotList, slot: number): void {
    const newer = this.#newer[slot] as number
    const older = this.#older[slot] as number
    if (newer === NONE) list.newest = older
    else this.#older[newer] = older
    if (older === NONE) list.oldest = newer
    else this.#newer[older] = newer
    this.#older[slot] = this.#free
    this.#free = slot
  }

  #extend(): number {
    const slot = ++this.#highest
    if (slot === this.#newer.length) {
      this.#newer = doubled(this.#newer)
      this.#older = doubled(this.#older)
    }
    return slot
  }
}

function doubled(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * numbers.length)
  larger.set(numbers)
  return larger
}
