/**
 * One shift through the real core: the same steps as `http/pipeline.ts` and `http/passage.ts`, with a
 * model in the upstream's place and no HTTP in between.
 */

import { type Random, seededRandom } from '../../demo/data.ts'
import { buildCore, type Core, type Overrides } from '../../src/app.ts'
import { Partitions } from '../../src/auth/partition.ts'
import { VersionPins } from '../../src/auth/version-pins.ts'
import { NO_DIRECTIVES } from '../../src/cache/cache-control.ts'
import type { Sharing } from '../../src/cache/entitlement.ts'
import type { OutcomeKind } from '../../src/cache/outcome.ts'
import type { BufferedAnswer } from '../../src/cache/ports.ts'
import { UNTIMED } from '../../src/cache/read-times.ts'
import type { Reporter } from '../../src/cache/report.ts'
import { headerValue } from '../../src/cache/representation.ts'
import { type ReadRequest, type RequestCredential, readRequest } from '../../src/cache/request.ts'
import type { Served } from '../../src/cache/served.ts'
import { parseConfig } from '../../src/config/load.ts'
import { CACHED_ROUTES, matchWrite } from '../../src/contract/routes.ts'
import { UNTRACED } from '../../src/lib/tracer.ts'
import { type Judgement, Oracle, type Sent } from './oracle.ts'
import type { Plan, Planned } from './plan.ts'
import { type Change, ModelUpstream } from './upstream.ts'
import { VirtualTime } from './virtual-time.ts'

export interface ShiftSettings {
  readonly sharing: Sharing
  readonly ttlMs: number
  readonly grantTtlMs: number
  readonly credentialTtlMs: number
  readonly seed: number
  /** All callers are shown the same fields. */
  readonly isAlike: boolean
}

/** For tests that break something on purpose. */
export interface ShiftOverrides {
  readonly core?: (time: VirtualTime) => Overrides
  readonly partitionOf?: (authorization: string) => string
}

export interface ShiftResult extends Judgement {
  readonly reads: number
  readonly upstreamReads: number
  readonly outcomes: Readonly<Partial<Record<OutcomeKind, number>>>
  /** When `tenant` sharing fell back to `witnessed`, in milliseconds from the start. */
  readonly trips: readonly number[]
}

interface Reader {
  token: string
  logins: number
  reassignedAt: number | null
  revokedAt: number | null
}

type Event<Kind extends Planned['kind']> = Extract<Planned, { kind: Kind }>

const TENANT = '7'
const VERSION = '2023/04/19'
const ROUTE = CACHED_ROUTES[0]!
/** Either way between Layby and the upstream. */
const LEG_MS = { from: 50, to: 100 }
/** One answer in fifty dawdles so much, and may be overtaken. */
const DAWDLE_MS = 2_000
/** Longest time that the simulated upstream takes for an answer. */
export const MAX_FETCH_MS = 2 * LEG_MS.to + DAWDLE_MS

/** Touches no link to a parent: what else the write makes stale is in its answer. */
const REQUEST_BODY = '{"name": "Harbor Point"}'

/** A write of each kind, as one of the contract's operations. */
const WRITES: Readonly<Record<Change, { readonly method: string; readonly below: string }>> = {
  name: { method: 'PATCH', below: '' },
  note: { method: 'PATCH', below: '/locations/1' },
  yard: { method: 'PATCH', below: '/locations/2' },
  touch: { method: 'PATCH', below: '/contacts/1' },
}

export async function runShift(
  plan: Plan,
  settings: ShiftSettings,
  overrides: ShiftOverrides = {},
): Promise<ShiftResult> {
  return new Shift(plan, settings, overrides).run()
}

class Shift {
  readonly #plan: Plan
  readonly #time = new VirtualTime()
  readonly #startedAt = this.#time.monotonic()
  readonly #random: Random
  readonly #upstream: ModelUpstream
  readonly #oracle: Oracle
  readonly #core: Core
  readonly #sharing: Sharing
  readonly #partitionOf: (authorization: string) => string
  readonly #pins = new VersionPins(1_000)
  readonly #readers: readonly Reader[]
  /** The memory tier keeps the very buffer that came, which tells where a body is from. */
  readonly #sent = new WeakMap<Buffer, Sent>()
  readonly #outcomes: Partial<Record<OutcomeKind, number>> = {}
  readonly #trips: number[] = []
  #reads = 0
  #upstreamReads = 0

  constructor(plan: Plan, settings: ShiftSettings, overrides: ShiftOverrides) {
    this.#plan = plan
    this.#sharing = settings.sharing
    this.#random = seededRandom(`run/${settings.seed}`)
    this.#upstream = new ModelUpstream(settings.isAlike)
    this.#oracle = new Oracle(this.#upstream, settings.grantTtlMs)
    const config = configOf(settings)
    const partitions = new Partitions(config.secret)
    this.#partitionOf = overrides.partitionOf ?? ((authorization) => partitions.of(authorization))
    const time = this.#time
    const random = seededRandom(`jitter/${settings.seed}`)
    const changed = overrides.core?.(time) ?? {}
    this.#core = buildCore(config, { clock: time, random, ...changed }, this.#reporter())
    this.#readers = plan.readers.map((viewer, index) => {
      const token = `token.${index}.1`
      this.#upstream.addToken(token, viewer)
      return { token, logins: 1, reassignedAt: null, revokedAt: null }
    })
  }

  async run(): Promise<ShiftResult> {
    for (const event of this.#plan.events) this.#time.after(event.at, () => this.#happen(event))
    await this.#time.run()
    return {
      ...this.#oracle.result(),
      reads: this.#reads,
      upstreamReads: this.#upstreamReads,
      outcomes: this.#outcomes,
      trips: this.#trips,
    }
  }

  #happen(event: Planned): Promise<void> | void {
    if (event.kind === 'read') return this.#read(event)
    if (event.kind === 'write') return event.seen ? this.#write(event) : this.#writePast(event)
    const reader = this.#readers[event.reader]!
    if (event.kind === 'revoke') {
      this.#upstream.revoke(reader.token)
      reader.revokedAt = this.#time.monotonic()
    } else {
      this.#upstream.reassign(reader.token, event.to)
      reader.reassignedAt = this.#time.monotonic()
    }
  }

  async #read({ reader: index, customer }: Event<'read'>): Promise<void> {
    const reader = this.#readers[index]!
    const { token } = reader
    const knownWriteAt = this.#oracle.knownWriteAt(customer)
    const { reassignedAt, revokedAt } = reader
    const served = await this.#serve(token, customer)
    this.#reads++
    const { kind } = served.outcome
    this.#outcomes[kind] = (this.#outcomes[kind] ?? 0) + 1
    if (served.kind === 'failure') throw new Error(`no answer: ${served.failure}`)
    if (served.kind === 'representation') {
      const sent = this.#sent.get(served.representation.body)
      const at = this.#time.monotonic()
      const isTripped = this.#core.sharing.of(TENANT, at) !== this.#sharing
      const told = { token, customer, sent, at, isTripped }
      this.#oracle.judge({ ...told, knownWriteAt, reassignedAt, revokedAt })
    } else if (served.answer.status === 401 && reader.token === token) {
      this.#logIn(reader, index)
    }
  }

  /** As `Pipeline#readCached` and `#read`. */
  async #serve(token: string, customer: string): Promise<Served> {
    const partition = this.#partitionOf(`Bearer ${token}`)
    const request = this.#requestOf(credentialOf(partition), customer)
    const found = this.#core.cache.lookup(request, this.#time.monotonic())
    if (found.kind === 'representation') return found
    const pin = this.#pins.begin(partition, VERSION)
    const served = await this.#core.cache.read(request, {
      fetch: () => this.#fetch(token, customer),
      deadline: this.#time.monotonic() + 10_000,
      mayJoin: pin.mayJoin,
      span: UNTRACED,
      times: UNTIMED,
      requestId: `read-${this.#reads}`,
    })
    this.#pins.end(pin, versionOf(served))
    return served
  }

  #requestOf(credential: RequestCredential, customer: string): ReadRequest {
    return readRequest({
      match: { route: ROUTE, params: [customer] },
      tenant: TENANT,
      version: VERSION,
      credential,
      directives: NO_DIRECTIVES,
      pins: this.#pins,
    })
  }

  async #fetch(token: string, customer: string): Promise<BufferedAnswer> {
    const sentAt = this.#time.monotonic()
    this.#upstreamReads++
    await this.#time.wait(this.#legMs())
    const text = this.#upstream.render(token, customer)
    const renderedAt = this.#time.monotonic()
    const body = Buffer.from(text ?? '{"detail": "The token is revoked."}')
    await this.#time.wait(this.#legMs() + (this.#random() < 0.02 ? DAWDLE_MS : 0))
    if (text !== null) {
      const sent = { text, customer, renderedAt }
      this.#sent.set(body, sent)
      this.#oracle.given(token, sent)
    }
    const headers = [
      ['content-type', 'application/json'],
      ['x-api-version', VERSION],
    ] as const
    const status = text === null ? 401 : 200
    const reason = text === null ? 'Unauthorized' : 'OK'
    return { kind: 'buffered', status, reason, headers, body, sentAt }
  }

  /** As `conduct` in `http/passage.ts`. */
  async #write({ writer, customer, change }: Event<'write'>): Promise<void> {
    const { token } = this.#readers[writer]!
    const { invalidator, standings } = this.#core
    const partition = this.#partitionOf(`Bearer ${token}`)
    const { method, below } = WRITES[change]
    const match = matchWrite(method, `/customers/${customer}${below}`)!
    const credential = credentialOf(partition)
    const isAccepted = standings.isAccepted(TENANT, credential)
    const announced = await invalidator.announce(TENANT, match, isAccepted)
    const stamp = await standings.open(TENANT, credential)
    const sentAt = this.#time.monotonic()
    const pin = this.#pins.begin(partition, VERSION)
    await this.#time.wait(this.#legMs())
    const at = this.#time.monotonic()
    this.#upstream.write(customer, change, { at, seen: true })
    const responseBody = this.#upstream.render(token, customer)
    await this.#time.wait(this.#legMs())
    this.#pins.end(pin, VERSION)
    const of = { tenant: TENANT, credential, status: 200, sentAt, stamp }
    await standings.learn({ ...of, vouches: true, resource: null })
    await invalidator.settle(announced, {
      isSent: true,
      status: 200,
      requestBody: REQUEST_BODY,
      responseBody,
    })
    this.#oracle.confirmed(customer, at)
  }

  #writePast({ customer, change }: Event<'write'>): void {
    this.#upstream.write(customer, change, { at: this.#time.monotonic(), seen: false })
  }

  /** The app asks its user to log in again. */
  #logIn(reader: Reader, index: number): void {
    const viewer = this.#upstream.viewerOf(reader.token)
    reader.token = `token.${index}.${++reader.logins}`
    reader.reassignedAt = null
    reader.revokedAt = null
    this.#upstream.addToken(reader.token, viewer)
  }

  #legMs(): number {
    return LEG_MS.from + this.#random() * (LEG_MS.to - LEG_MS.from)
  }

  #reporter(): Reporter {
    const ignore = (): void => {}
    const sharingTripped = (): void => {
      this.#trips.push(this.#time.monotonic() - this.#startedAt)
      this.#oracle.tripped()
    }
    const faulted = (error: unknown): void => {
      throw error
    }
    const requests = { finished: ignore, lookedUp: ignore, walked: ignore }
    return {
      ...requests,
      filled: ignore,
      invalidated: ignore,
      outdated: ignore,
      headersChanged: ignore,
      faulted,
      sharingTripped,
    }
  }
}

function configOf({ sharing, ttlMs, grantTtlMs, credentialTtlMs }: ShiftSettings) {
  return parseConfig({
    upstream: { url: 'http://upstream.invalid' },
    secret: 'the secret of a simulated shift, known to all',
    // Nobody refreshes behind a client here: what is asked is what the lifetimes alone do.
    cache: {
      sharing,
      ttlMs,
      grantTtlMs,
      credentialTtlMs,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: 0,
    },
  })
}

/** As `endPin` in `http/pipeline.ts`. */
function versionOf(served: Served): string | null | undefined {
  if (served.outcome.kind !== 'fill') return served.outcome.kind === 'failed' ? null : undefined
  if (served.kind === 'representation') return served.representation.version
  return served.kind === 'answer' ? headerValue(served.answer.headers, 'x-api-version') : null
}

/** One process and no Redis: nothing is sealed. */
function credentialOf(partition: string): RequestCredential {
  return { partition, holder: partition, sealFor: () => Buffer.alloc(0), former: [] }
}
