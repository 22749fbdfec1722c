/** One fill, from the fences that it starts under to what is kept of the upstream's answer. */
import type { Span } from '../lib/tracer.ts'
import type { OpenFence } from './fence.ts'
import { type FillDependencies, FillStore, type Kept, NOTHING_KEPT } from './fill.ts'
import type { LastRejects } from './last-rejects.ts'
import { secondsLeft } from './lookup.ts'
import type { Fetch } from './ports.ts'
import type { ReadTimes } from './read-times.ts'
import { fencesOf, kinOf, type ReadRequest } from './request.ts'
import { isFailure, type Landing } from './served.ts'
import { answeredRead } from './standing.ts'

/** How a read may go to the upstream, if it must. */
export interface FillTerms {
  readonly fetch: Fetch
  /** Monotonic milliseconds by which `fetch` gives up. */
  readonly deadline: number
  /** False when the credential's version pin is in doubt: then only an own request will do. */
  readonly mayJoin: boolean
  /** The work that the read is part of. */
  readonly span: Span
  /** Where its time goes. */
  readonly times: ReadTimes
  /** Under which the upstream is asked; followers name it in their log line. */
  readonly requestId: string
}

export interface OriginFillDependencies extends FillDependencies {
  readonly rejects: LastRejects
}

export class OriginFill {
  readonly #deps: OriginFillDependencies
  readonly #store: FillStore

  constructor(dependencies: OriginFillDependencies) {
    this.#deps = dependencies
    this.#store = new FillStore(dependencies)
  }

  /** Of a credential that the upstream has not accepted, nothing is left when it is over. */
  async fill(request: ReadRequest, terms: FillTerms): Promise<Landing> {
    const { standings, fences } = this.#deps
    const { view, credential } = request
    const isProvisional = !standings.isAccepted(view.tenant, credential)
    const opened = await fences.open(fencesOf(request), kinOf(request), isProvisional)
    standings.asked.begin(request.grantKey)
    try {
      return await this.#ask(request, opened, terms)
    } finally {
      standings.asked.end(request.grantKey)
      const { stamp, kin } = opened
      standings.release(view.tenant, credential, kin === null ? stamp : [...stamp, kin])
    }
  }

  /** Asks the upstream, learns what the answer says, and keeps of it what may be kept. */
  async #ask(request: ReadRequest, opened: OpenFence, terms: FillTerms): Promise<Landing> {
    const { clock, reporter, standings } = this.#deps
    const { traceId, isSampled } = terms.span.context
    const knownTrace = isSampled ? traceId : null
    const startedAt = clock.monotonic()
    const answer = await terms.fetch(terms.deadline, terms.span)
    if (isFailure(answer)) {
      reporter.filled('failed', clock.monotonic() - startedAt, knownTrace)
      return { answer, kept: NOTHING_KEPT, ttl: null }
    }
    await standings.learn(answeredRead(request, opened, answer))
    const kept = await this.#store.keep(request, opened, answer)
    // What the client itself forbids says nothing of the upstream.
    const isAccepted = standings.isAccepted(request.view.tenant, request.credential)
    if (isAccepted && !request.directives.noStore) {
      this.#deps.rejects.noted(request.grantKey, kept.rejected, answer, clock.monotonic())
    }
    const ttl = this.#secondsLeft(kept)
    const result = ttl === null ? 'rejected' : 'stored'
    reporter.filled(result, clock.monotonic() - startedAt, knownTrace)
    return { answer, kept, ttl }
  }

  #secondsLeft({ representation, rejected }: Kept): number | null {
    if (representation === null || rejected !== null) return null
    return secondsLeft(representation.freshUntil, this.#deps.clock.monotonic())
  }
}
