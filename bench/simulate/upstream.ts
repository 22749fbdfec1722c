/**
 * The API of the simulated shift: customers that three kinds of caller see differently, and a record
 * of who could have seen what, and when. The sample upstream in `demo/` gives every write a new time
 * stamp in every view; here there are writes that a view does not show, which a cache meets too.
 */

/** What a caller is shown. Those of one kind are shown the same bytes. */
export type Viewer = 'dispatcher' | 'driver' | 'third-party-driver'

/**
 * - `name`: everybody sees it;
 * - `note`: only dispatchers do;
 * - `yard`: a location is closed or opened again, which third-party drivers don't see. The second
 *   such write brings back the bytes of before the first;
 * - `touch`: nobody sees anything, though the write is accepted.
 */
export type Change = 'name' | 'note' | 'yard' | 'touch'

/** A write that was carried out. */
export interface Applied {
  readonly at: number
  /** False: it came past Layby. */
  readonly seen: boolean
}

/** Bytes that one kind of caller was shown for some time. */
export interface Span {
  readonly text: string
  readonly from: number
  /** The write that ended it; undefined: still current. */
  endedBy: Applied | undefined
}

interface Customer {
  readonly id: string
  revision: number
  note: number
  yardOpen: boolean
  readonly spans: Readonly<Record<Viewer, Span[]>>
}

interface Account {
  viewer: Viewer
  isRevoked: boolean
}

const VIEWERS: readonly Viewer[] = ['dispatcher', 'driver', 'third-party-driver']

export class ModelUpstream {
  readonly #customers = new Map<string, Customer>()
  readonly #accounts = new Map<string, Account>()
  readonly #isAlike: boolean

  /** @param isAlike whether all callers are shown the same fields */
  constructor(isAlike: boolean) {
    this.#isAlike = isAlike
  }

  addToken(token: string, viewer: Viewer): void {
    this.#accounts.set(token, { viewer, isRevoked: false })
  }

  revoke(token: string): void {
    this.#account(token).isRevoked = true
  }

  reassign(token: string, viewer: Viewer): void {
    this.#account(token).viewer = viewer
  }

  isRevoked(token: string): boolean {
    return this.#account(token).isRevoked
  }

  viewerOf(token: string): Viewer {
    return this.#account(token).viewer
  }

  /** The customer's body for this token now; null: the token is refused. */
  render(token: string, customer: string): string | null {
    const { viewer, isRevoked } = this.#account(token)
    return isRevoked ? null : this.history(customer, viewer).at(-1)!.text
  }

  /** What such a caller would have been shown, oldest first. */
  history(customer: string, viewer: Viewer): readonly Span[] {
    return this.#customer(customer).spans[viewer]
  }

  write(id: string, change: Change, applied: Applied): void {
    const customer = this.#customer(id)
    if (change === 'name') customer.revision++
    else if (change === 'note') customer.note++
    else if (change === 'yard') customer.yardOpen = !customer.yardOpen
    for (const viewer of VIEWERS) {
      const spans = customer.spans[viewer]
      const last = spans.at(-1)!
      const text = this.#show(customer, viewer)
      if (text === last.text) continue
      last.endedBy = applied
      spans.push({ text, from: applied.at, endedBy: undefined })
    }
  }

  #account(token: string): Account {
    const account = this.#accounts.get(token)
    if (account === undefined) throw new Error('no such token')
    return account
  }

  #customer(id: string): Customer {
    const known = this.#customers.get(id)
    if (known !== undefined) return known
    const spans = { dispatcher: [], driver: [], 'third-party-driver': [] }
    const customer: Customer = { id, revision: 1, note: 1, yardOpen: true, spans }
    for (const viewer of VIEWERS) {
      const text = this.#show(customer, viewer)
      customer.spans[viewer].push({ text, from: 0, endedBy: undefined })
    }
    this.#customers.set(id, customer)
    return customer
  }

  #show(customer: Customer, viewer: Viewer): string {
    return JSON.stringify(bodyOf(customer, this.#isAlike ? 'dispatcher' : viewer))
  }
}

/** Small, and with the members that Layby looks at. */
function bodyOf({ id, revision, note, yardOpen }: Customer, viewer: Viewer): object {
  const isOffice = viewer === 'dispatcher'
  const gate = { location_id: 1, is_active: true, note: isOffice ? `Gate code ${note}` : null }
  const yard = { location_id: 2, is_active: yardOpen, note: null }
  // One customer in three has no yard: there, third parties are shown what other drivers are shown.
  const showsYard = viewer !== 'third-party-driver' && Number(id) % 3 !== 0
  return {
    addresses: [{ id: 1, line_1: `${id} Lantern Quay`, locality: 'Milbrook', is_billing: true }],
    contacts: [{ id: 1, name: 'Robin Vale', email: isOffice ? 'robin.vale@example.com' : '' }],
    id: Number(id),
    locations: showsYard ? [gate, yard] : [gate],
    name: `Harbor Point Salvage ${id}, ${revision}`,
    parent_id: null,
  }
}
