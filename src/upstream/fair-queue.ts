/**
 * A queue that serves its parties in turn: who has many waiting delays another by one place, not by all of them.
 * Within a party the order is that of arrival.
 */
export class FairQueue<T> {
  /** The party that is served next comes first. */
  readonly #parties = new Map<string, Set<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** How many of the party wait. */
  sizeOf(party: string): number {
    return this.#parties.get(party)?.size ?? 0
  }

  add(party: string, one: T): void {
    const own = this.#parties.get(party)
    if (own === undefined) this.#parties.set(party, new Set([one]))
    else own.add(one)
    this.#size++
  }

  delete(party: string, one: T): void {
    const own = this.#parties.get(party)
    if (own?.delete(one) !== true) return
    this.#size--
    if (own.size === 0) this.#parties.delete(party)
  }

  /** Who is served next; undefined: nobody waits. */
  get next(): T | undefined {
    const [own] = this.#parties.values()
    return own === undefined ? undefined : first(own)
  }

  /** Takes the next, and puts its party behind the others. */
  take(): T | undefined {
    const [party] = this.#parties.keys()
    if (party === undefined) return undefined
    const own = this.#parties.get(party) as Set<T>
    const one = first(own)
    this.#parties.delete(party)
    own.delete(one)
    if (own.size > 0) this.#parties.set(party, own)
    this.#size--
    return one
  }

  /** How many of the party with most wait. */
  get longest(): number {
    return this.#longestParty()?.[1].size ?? 0
  }

  /** Takes who has waited longest of the party that has most waiting. */
  takeFromLongest(): T | undefined {
    const longest = this.#longestParty()
    if (longest === undefined) return undefined
    const [party, own] = longest
    const one = first(own)
    this.delete(party, one)
    return one
  }

  #longestParty(): [string, Set<T>] | undefined {
    let longest: [string, Set<T>] | undefined
    for (const entry of this.#parties) {
      if (longest === undefined || entry[1].size > longest[1].size) longest = entry
    }
    return longest
  }
}

/** @param set not empty: a party without waiters is removed */
function first<T>(set: Set<T>): T {
  const [one] = set
  return one as T
}
