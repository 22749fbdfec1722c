/**
 * The real core of one process, filled with entries by its own way of filling: `Cache.read`, with an upstream
 * that answers at once. An entry is one customer, read once by one credential: its grant, its representation,
 * its lineage and its fence. There are 100 credentials in 10 tenants.
 */

import { buildCore, type Core } from '../../src/app.ts'
import { Credentials } from '../../src/auth/credentials.ts'
import { VersionPins } from '../../src/auth/version-pins.ts'
import { NO_DIRECTIVES } from '../../src/cache/cache-control.ts'
import type { BufferedAnswer } from '../../src/cache/ports.ts'
import { UNTIMED } from '../../src/cache/read-times.ts'
import type { Reporter } from '../../src/cache/report.ts'
import { type ReadRequest, readRequest } from '../../src/cache/request.ts'
import { parseConfig } from '../../src/config/load.ts'
import { CACHED_ROUTES } from '../../src/contract/routes.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { UNTRACED } from '../../src/lib/tracer.ts'
import { LocalFences } from '../../src/stores/local-fences.ts'
import { endToEndHeaders } from '../../src/upstream/headers.ts'

const TENANTS = 10
const CREDENTIALS = 100
const VERSION = '2023/04/19'
const ROUTE = CACHED_ROUTES[0]!
/** Room for everything that is filled in here: nothing is evicted, and no fence is forgotten. */
const MAX_BYTES = 34_359_738_368
/** Room for two fences a customer, and not the 64 million that production makes room for with so many bytes. */
const MAX_FENCES = 2_097_152
const A_DAY_MS = 86_400_000

const REPORTER: Reporter = {
  finished: () => {},
  lookedUp: () => {},
  walked: () => {},
  filled: () => {},
  invalidated: () => {},
  outdated: () => {},
  headersChanged: () => {},
  sharingTripped: () => {},
  faulted: (error) => {
    throw error
  },
}

/** Makes the body of an entry. */
export type MakeBody = (id: number) => string

export class FilledCore {
  readonly core: Core
  readonly #makeBody: MakeBody
  readonly #credentials: Credentials
  readonly #pins = new VersionPins(CREDENTIALS)
  #size = 0

  constructor(makeBody: MakeBody) {
    this.#makeBody = makeBody
    const lifetimes = { ttlMs: A_DAY_MS, grantTtlMs: A_DAY_MS, credentialTtlMs: A_DAY_MS }
    const config = parseConfig({
      upstream: { url: 'http://127.0.0.1:1' },
      cache: { ...lifetimes, ttlJitter: 0, memory: { maxBytes: MAX_BYTES } },
    })
    this.#credentials = new Credentials([config.secret])
    const fences = new LocalFences({ clock: systemClock, maxFences: MAX_FENCES })
    this.core = buildCore(config, { fences }, REPORTER)
  }

  get size(): number {
    return this.#size
  }

  /** The read of entry `index`, with keys of its own, as the planner makes it for a head that it has not seen. */
  request(index: number): ReadRequest {
    const credential = this.#credentials.of(`Bearer bench-token.${index % CREDENTIALS}`)
    return readRequest({
      match: { route: ROUTE, params: [`${48_000_000 + index}`] },
      tenant: `${7_004_321 + (index % TENANTS)}`,
      version: VERSION,
      credential,
      directives: NO_DIRECTIVES,
      pins: this.#pins,
    })
  }

  async fillTo(size: number): Promise<void> {
    for (; this.#size < size; this.#size += 1) await this.#fill(this.#size)
  }

  async #fill(index: number): Promise<void> {
    const request = this.request(index)
    const pin = this.#pins.begin(request.partition, VERSION)
    const served = await this.core.cache.read(request, {
      fetch: () => Promise.resolve(this.#answer(index)),
      deadline: systemClock.monotonic() + 1_000,
      mayJoin: pin.mayJoin,
      span: UNTRACED,
      times: UNTIMED,
      requestId: 'bench',
    })
    this.#pins.end(pin, VERSION)
    const { kind, stored } = served.outcome
    if (!stored) throw new Error(`entry ${index} was not stored: ${kind}`)
  }

  /** Texts and body as they come from a socket: none of them shared with another answer's. */
  #answer(index: number): BufferedAnswer {
    const body = Buffer.from(this.#makeBody(index), 'latin1')
    const raw = Buffer.from(
      [
        ...['access-control-allow-headers', 'Authorization, Accept, X-TENANT-ID, Content-Type'],
        ...['access-control-allow-methods', 'GET,PATCH', 'access-control-allow-origin', '*'],
        ...['allow', 'GET,PATCH', 'content-length', `${body.length}`],
        ...['content-type', 'application/json', 'x-api-version', VERSION],
        ...['x-request-id', '6f0d3a52-8d1c-4c0e-9d57-1f4f7b5a9c11'],
        ...['date', 'Fri, 24 Nov 2023 10:00:00 GMT', 'connection', 'keep-alive'],
      ].join('\n'),
      'latin1',
    )
    const headers = endToEndHeaders(fieldsOf(raw))
    if (headers === null) throw new Error('the headers are not valid')
    const own = new Uint8Array(body).buffer
    const whole = { kind: 'buffered', status: 200, reason: 'OK', headers } as const
    return { ...whole, body: Buffer.from(own), sentAt: systemClock.monotonic() }
  }
}

function fieldsOf(raw: Buffer): string[] {
  const fields: string[] = []
  for (let at = 0; at < raw.length; ) {
    const end = raw.indexOf(10, at)
    const until = end === -1 ? raw.length : end
    fields.push(raw.toString('latin1', at, until))
    at = until + 1
  }
  return fields
}
