/**
 * Which version a credential last used upstream (`docs/sharing.md`). The upstream keeps it
 * as sticky state: a hit must never hide a request that would have changed it.
 *
 * What can't be known for certain is "not known", and then the request is forwarded. Requests of one
 * credential that overlap and ask for different versions reach the upstream in an unknown order; until
 * all of them are done, and after that until the next one, the pin is not known.
 */
import { LRUCache } from 'lru-cache'

/** The explicit version; null: the header is absent, and the upstream uses the pin. */
export type VersionForm = string | null

interface Pin {
  /** The version in force upstream; null: not known. */
  version: string | null
  /** Requests on their way, all of one form unless `mixed`. */
  active: number
  form: VersionForm
  mixed: boolean
  /** To be remembered when all are done. */
  isKept: boolean
}

/**
 * Told with every answer which version is now in force for a credential; null: it is not known.
 *
 * @param isKept false: the credential may be nobody's. Who knows another pin of it has to hear this, and nobody is to
 * remember it
 */
export type OnKnown = (partition: string, version: string | null, isKept: boolean) => void

/** A request on its way. */
export interface PinUse {
  readonly partition: string
  /** As `mayJoin` was before it. */
  readonly mayJoin: boolean
}

export class VersionPins {
  readonly #idle: LRUCache<string, Pin>
  /** Kept apart from the LRU: an entry with requests on their way must not be forgotten. */
  readonly #busy = new Map<string, Pin>()
  readonly #onKnown: OnKnown

  constructor(maxCredentials: number, onKnown: OnKnown = () => {}) {
    this.#idle = new LRUCache({ max: maxCredentials })
    this.#onKnown = onKnown
  }

  /** What another instance knows; what is known here is at least as new. */
  adopt(partition: string, version: string): void {
    const busy = this.#busy.get(partition)
    if (busy !== undefined) {
      // Requests on their way have not been answered yet: until then, this is what was last in force.
      if (!busy.mixed) busy.version ??= version
    } else if (!this.#idle.get(partition)?.version) {
      this.#idle.set(partition, { version, active: 0, form: null, mixed: false, isKept: true })
    }
  }

  /** Another instance has seen a change to `version`; null: to one that it does not know. */
  changed(partition: string, version: VersionForm): void {
    const busy = this.#busy.get(partition)
    if (busy === undefined) {
      if (this.#idle.get(partition)?.version !== version) this.#idle.delete(partition)
    } else if (busy.form !== version) {
      // Ours and the other's are on their way to the upstream in an unknown order.
      busy.mixed = true
    }
  }

  /** Changes that other instances have seen may have been missed: nothing is known any more. */
  forget(): void {
    this.#idle.clear()
    for (const busy of this.#busy.values()) busy.mixed = true
  }

  /** The version that a request of this form would meet upstream, as far as we know; null: not known. */
  current(partition: string, form: VersionForm): string | null {
    const busy = this.#busy.size === 0 ? undefined : this.#busy.get(partition)
    if (busy !== undefined) return busy.mixed || busy.form !== form ? null : busy.version
    return this.#idle.get(partition)?.version ?? null
  }

  /** False: an answer that was asked for earlier may come from before a change of the pin. */
  mayJoin(partition: string, form: VersionForm): boolean {
    const busy = this.#busy.get(partition)
    return busy === undefined || (!busy.mixed && busy.form === form)
  }

  /** Before a request goes upstream, or waits for one that did. */
  begin(partition: string, form: VersionForm): PinUse {
    const mayJoin = this.mayJoin(partition, form)
    const pin = this.#busy.get(partition) ?? this.#wake(partition, form)
    if (!mayJoin) pin.mixed = true
    pin.active++
    return { partition, mayJoin }
  }

  /**
   * After its answer. `effective` is the answer's `X-API-VERSION`; null: it had none, or none came;
   * undefined: the upstream was not asked.
   *
   * @param isAccepted the upstream has accepted the credential; of any other nothing is remembered, or those that
   * anybody can make up would push out all that are real
   */
  end({ partition }: PinUse, effective: string | null | undefined, isAccepted = true): void {
    const pin = this.#busy.get(partition)
    if (pin === undefined) return
    if (effective !== undefined) pin.version = effective
    if (pin.mixed) pin.version = null
    if (isAccepted) pin.isKept = true
    // guard: told-pins
    if (effective !== undefined) this.#onKnown(partition, pin.version, pin.isKept)
    if (--pin.active > 0) return
    pin.mixed = false
    this.#busy.delete(partition)
    if (pin.isKept) this.#idle.set(partition, pin)
  }

  #wake(partition: string, form: VersionForm): Pin {
    const pin = this.#idle.get(partition) ?? {
      version: null,
      active: 0,
      form,
      mixed: false,
      isKept: false,
    }
    pin.form = form
    this.#busy.set(partition, pin)
    return pin
  }
}
