/** A binary heap whose items know their place, so that one that has grown or shrunk is put right in O(log n). */

/** What the heap writes into its items. */
export interface Placed {
  place: number
}

export class MaxHeap<T extends Placed> {
  readonly #items: T[] = []
  readonly #weightOf: (item: T) => number

  constructor(weightOf: (item: T) => number) {
    this.#weightOf = weightOf
  }

  /** The heaviest; undefined: there is none. */
  get top(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    this.#put(item, this.#items.length)
    this.grown(item)
  }

  remove(item: T): void {
    const last = this.#items.pop() as T
    if (last === item) return
    this.#put(last, item.place)
    this.grown(last)
    this.shrunk(last)
  }

  /** The item has become heavier. */
  grown(item: T): void {
    const weight = this.#weightOf(item)
    let { place } = item
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.#items[above] as T
      if (this.#weightOf(parent) >= weight) break
      this.#put(parent, place)
      place = above
    }
    this.#put(item, place)
  }

  /** The item has become lighter. */
  shrunk(item: T): void {
    const weight = this.#weightOf(item)
    let { place } = item
    for (;;) {
      const below = this.#heavierBelow(place)
      if (below === undefined || this.#weightOf(below) <= weight) break
      const free = below.place
      this.#put(below, place)
      place = free
    }
    this.#put(item, place)
  }

  /** The heaviest ones, heaviest first: O(count²), whatever the size of the heap. */
  largest(count: number): readonly T[] {
    const found: T[] = []
    const candidates = this.#items.slice(0, 1)
    while (found.length < count && candidates.length > 0) {
      candidates.sort((a, b) => this.#weightOf(a) - this.#weightOf(b))
      const next = candidates.pop() as T
      found.push(next)
      const below = 2 * next.place + 1
      candidates.push(...this.#items.slice(below, below + 2))
    }
    return found
  }

  #heavierBelow(place: number): T | undefined {
    const left = this.#items[2 * place + 1]
    const right = this.#items[2 * place + 2]
    if (left === undefined || right === undefined) return left
    return this.#weightOf(right) > this.#weightOf(left) ? right : left
  }

  #put(item: T, place: number): void {
    this.#items[place] = item
    item.place = place
  }
}
