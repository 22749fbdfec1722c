/**
 * Judges every answer by what the upstream really gave, to whom and when. It knows nothing of grants,
 * fences or any other idea of the cache's, so that it can't share a mistake with it.
 */
import type { ModelUpstream, Span } from './upstream.ts'

/** One body as the upstream sent it. */
export interface Sent {
  readonly text: string
  readonly customer: string
  readonly renderedAt: number
}

export interface Answer {
  readonly token: string
  readonly customer: string
  /** Undefined: the upstream never sent such bytes. */
  readonly sent: Sent | undefined
  readonly at: number
  /** The last write to this customer that had been confirmed to its client when the read began. */
  readonly knownWriteAt: number
  /** When the reader's role was changed, and its token withdrawn; null: it was not. */
  readonly reassignedAt: number | null
  readonly revokedAt: number | null
  /** `tenant` sharing has fallen back to `witnessed`. */
  readonly isTripped: boolean
}

/** Milliseconds. */
export interface Spread {
  readonly median: number
  readonly worst: number
}

export interface Judgement {
  /** Answers with bytes that the upstream had not given to that credential within the grant's lifetime. */
  readonly foreignAnswers: number
  /** Those of them that such a caller would not have been shown at all. */
  readonly otherView: number
  /** Of the foreign ones, those before the first trip of `tenant` sharing. */
  readonly foreignBeforeTrip: number
  readonly otherViewBeforeTrip: number
  /** Of the foreign ones, those while `tenant` sharing had fallen back to `witnessed`. */
  readonly foreignWhileTripped: number
  /** Answers made before a write that had been confirmed when the read began. */
  readonly olderThanKnownWrite: number
  /** Time from the upstream's making of a body to its being answered. */
  readonly age: Spread
  /** Answers with bytes that an unseen write had already replaced. */
  readonly outdatedAnswers: number
  /** Unseen writes after which somebody got outdated bytes. */
  readonly outdatingWrites: number
  /** Over those writes: time from the write to the last outdated answer. */
  readonly staleness: Spread
  /** Longest time after a withdrawal at which the token was still answered. */
  readonly revokedFor: number
  /** Longest time after a change of role at which the old role's bytes were still answered. */
  readonly oldRoleFor: number
}

interface Count {
  foreign: number
  otherView: number
}

export class Oracle {
  readonly #upstream: ModelUpstream
  readonly #grantTtlMs: number
  /** Token and customer → text → when the upstream last gave it. */
  readonly #given = new Map<string, Map<string, number>>()
  /** Customer → when its last confirmed write was carried out. */
  readonly #knownWrites = new Map<string, number>()
  readonly #ages: number[] = []
  /** Customer and moment of an unseen write → time to the last outdated answer. */
  readonly #outdated = new Map<string, number>()
  readonly #total: Count = { foreign: 0, otherView: 0 }
  #beforeTrip: Count | undefined
  #foreignWhileTripped = 0
  #olderThanKnownWrite = 0
  #outdatedAnswers = 0
  #revokedFor = 0
  #oldRoleFor = 0

  constructor(upstream: ModelUpstream, grantTtlMs: number) {
    this.#upstream = upstream
    this.#grantTtlMs = grantTtlMs
  }

  /** The upstream has answered a read. */
  given(token: string, { customer, text, renderedAt }: Sent): void {
    const key = `${token} ${customer}`
    const texts = this.#given.get(key) ?? new Map<string, number>()
    texts.set(text, Math.max(renderedAt, texts.get(text) ?? renderedAt))
    this.#given.set(key, texts)
  }

  /** A write through Layby is about to be confirmed to its client. */
  confirmed(customer: string, appliedAt: number): void {
    this.#knownWrites.set(customer, Math.max(appliedAt, this.knownWriteAt(customer)))
  }

  knownWriteAt(customer: string): number {
    return this.#knownWrites.get(customer) ?? 0
  }

  tripped(): void {
    this.#beforeTrip ??= { ...this.#total }
  }

  /** A read was answered with a body. */
  judge(answer: Answer): void {
    const { sent, at, knownWriteAt, revokedAt } = answer
    if (revokedAt !== null) this.#revokedFor = Math.max(this.#revokedFor, at - revokedAt)
    if (this.#isForeign(answer)) {
      this.#total.foreign++
      if (answer.isTripped) this.#foreignWhileTripped++
      if (!this.#isOfOwnView(answer)) this.#total.otherView++
    }
    if (sent === undefined) return
    this.#ages.push(at - sent.renderedAt)
    if (sent.renderedAt < knownWriteAt) this.#olderThanKnownWrite++
    this.#judgeCurrency(answer, sent)
  }

  result(): Judgement {
    const beforeTrip = this.#beforeTrip ?? this.#total
    return {
      foreignAnswers: this.#total.foreign,
      otherView: this.#total.otherView,
      foreignBeforeTrip: beforeTrip.foreign,
      otherViewBeforeTrip: beforeTrip.otherView,
      foreignWhileTripped: this.#foreignWhileTripped,
      olderThanKnownWrite: this.#olderThanKnownWrite,
      age: spreadOf(this.#ages),
      outdatedAnswers: this.#outdatedAnswers,
      outdatingWrites: this.#outdated.size,
      staleness: spreadOf([...this.#outdated.values()]),
      revokedFor: this.#revokedFor,
      oldRoleFor: this.#oldRoleFor,
    }
  }

  #isForeign({ token, customer, sent, at }: Answer): boolean {
    if (sent === undefined || sent.customer !== customer) return true
    const givenAt = this.#given.get(`${token} ${customer}`)?.get(sent.text)
    return givenAt === undefined || at - givenAt > this.#grantTtlMs
  }

  /** Whether the caller would have been shown these bytes, had it asked when they were made. */
  #isOfOwnView({ token, customer, sent }: Answer): boolean {
    if (sent === undefined || sent.customer !== customer) return false
    const history = this.#upstream.history(customer, this.#upstream.viewerOf(token))
    return history.findLast((span) => span.from <= sent.renderedAt)?.text === sent.text
  }

  #judgeCurrency(answer: Answer, sent: Sent): void {
    const { token, customer, at, reassignedAt } = answer
    const history = this.#upstream.history(customer, this.#upstream.viewerOf(token))
    if (history.at(-1)?.text === sent.text) return
    const shown = history.findLast((span) => span.text === sent.text)
    if (shown !== undefined) this.#judgeOutdated(customer, shown, at)
    else if (reassignedAt !== null) this.#oldRoleFor = Math.max(this.#oldRoleFor, at - reassignedAt)
  }

  #judgeOutdated(customer: string, { endedBy }: Span, at: number): void {
    // A write through Layby that is on its way may be overtaken by a read; `knownWriteAt` judges those.
    if (endedBy === undefined || endedBy.seen) return
    this.#outdatedAnswers++
    const key = `${customer} ${endedBy.at}`
    this.#outdated.set(key, Math.max(at - endedBy.at, this.#outdated.get(key) ?? 0))
  }
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right)
  return { median: sorted[sorted.length >> 1] ?? 0, worst: sorted.at(-1) ?? 0 }
}
