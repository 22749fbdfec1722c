/**
 * What is known of switched tenants, and which of two statements about one is the later. Pure.
 *
 * A tenant is on where nothing is known of it. To be on again after it was off is a statement like the other, and is
 * kept: a list from which an entry is missing then says nothing, and whoever still has the entry may put it back.
 *
 * ```
 *   switch = [tenant, isOff, setAt]     setAt: wall-clock milliseconds, above those of every switch of the tenant known
 *                                       where it was set. The later one holds; of two at once, the one that is off.
 * ```
 */
export type Switch = readonly [tenant: string, isOff: boolean, setAt: number]

/** Far more than an operator switches. Beyond it the oldest of those that are on are forgotten. */
export const MAX_SWITCHES = 10_000

export class SwitchRegister {
  readonly #switches = new Map<string, Switch>()

  /** @param wall milliseconds since 1970 */
  set(tenant: string, isOff: boolean, wall: number): Switch {
    const before = this.#switches.get(tenant)?.[2] ?? 0
    const made: Switch = [tenant, isOff, Math.max(wall, before + 1)]
    this.#keep(made)
    return made
  }

  /** @returns those that were news */
  merge(switches: readonly Switch[]): readonly Switch[] {
    return switches.filter((each) => {
      const isNews = isLater(each, this.#switches.get(each[0]))
      if (isNews) this.#keep(each)
      return isNews
    })
  }

  /** Those that a list does not have, or has as they were before. */
  missingFrom(list: readonly Switch[]): readonly Switch[] {
    const listed = new Map<string, Switch>()
    // One that was put back may stand beside the later one, and has no effect.
    for (const each of list) {
      if (isLater(each, listed.get(each[0]))) listed.set(each[0], each)
    }
    return this.all.filter((each) => isLater(each, listed.get(each[0])))
  }

  get all(): readonly Switch[] {
    return [...this.#switches.values()]
  }

  #keep(made: Switch): void {
    this.#switches.delete(made[0])
    this.#switches.set(made[0], made)
    if (this.#switches.size <= MAX_SWITCHES) return
    this.#switches.delete(this.#oldestOn() ?? made[0])
  }

  #oldestOn(): string | null {
    for (const [tenant, isOff] of this.#switches.values()) {
      if (!isOff) return tenant
    }
    return null
  }
}

function isLater([, isOff, setAt]: Switch, known: Switch | undefined): boolean {
  if (known === undefined) return true
  // guard: later-switch
  return setAt > known[2] || (setAt === known[2] && isOff && !known[1])
}

/** Null: it is no switch. */
export function switchOf(value: unknown): Switch | null {
  if (!Array.isArray(value) || value.length !== 3) return null
  const [tenant, isOff, setAt] = value as readonly unknown[]
  const isOne =
    typeof tenant === 'string' && typeof isOff === 'boolean' && Number.isSafeInteger(setAt)
  return isOne ? (value as unknown as Switch) : null
}
