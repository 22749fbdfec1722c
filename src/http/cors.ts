/**
 * Who may read answers, and what preflights are answered with: by configuration, or else by what the API has said
 * to the same origin (docs/browsers.md). Fills name no origin, and problems come from here, so the API can't say it on
 * each answer itself.
 */
import type { HeaderList } from '../cache/records.ts'
import type { Clock } from '../lib/clock.ts'
import type { PlainAnswer } from './answer.ts'
import {
  AS_THE_API_SAYS,
  EVERY_PAGE,
  NO_PAGE,
  onlyFor,
  originNamed,
  type Readers,
} from './cors-fields.ts'
import { LapsingMap } from './lapsing-map.ts'
import {
  type Permission,
  type Preflight,
  pathPattern,
  permissionIn,
  preflightAnswer,
} from './preflight.ts'

export interface CorsSettings {
  /** Empty: what the API says counts. */
  readonly origins: readonly string[]
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  readonly credentials: boolean
  readonly maxAgeSeconds: number
}

/** Of a request, as far as it is known. */
export interface Asking {
  /** As it stood in the request; null: it is none of a page of another origin. */
  readonly origin: string | null
  /** Null: it was not understood. */
  readonly path: string | null
  /** Where the names are kept, if it may come again. */
  readonly notes?: { readersKeys: ReadersKeys | null }
}

/** Under which names it is remembered who may read. */
export interface ReadersKeys {
  readonly pattern: string
  readonly ofOrigin: string
}

const MAX_REMEMBERED = 1_000
const REMEMBERED_MS = 600_000
/** A request that a browser has sent under a permission may arrive when that has just lapsed. */
const ON_THE_WAY_MS = 30_000
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
/** Request headers of the API's contract. */
const HEADERS = ['Authorization', 'Accept', 'Content-Type', 'X-Tenant-Id']

export class Cors {
  readonly #settings: CorsSettings
  readonly #isConfigured: boolean
  /** Of the configured origins. */
  readonly #configured: ReadonlyMap<string, Readers>
  readonly #configuredRest: Readers
  /** By `Preflight.key`. */
  readonly #permissions: LapsingMap<Permission>
  /** What an origin was told for a pattern of paths: by both. */
  readonly #readers: LapsingMap<Readers>
  /** Patterns for which the API lets every page read, whoever asks. */
  readonly #open: LapsingMap<true>

  constructor(settings: CorsSettings, clock: Pick<Clock, 'monotonic'>) {
    const { origins, credentials } = settings
    this.#settings = settings
    this.#isConfigured = origins.length > 0
    this.#configured = new Map(origins.map((origin) => [origin, onlyFor(origin, credentials)]))
    this.#configuredRest = origins.includes('*') ? EVERY_PAGE : NO_PAGE
    this.#permissions = new LapsingMap(clock, MAX_REMEMBERED, REMEMBERED_MS)
    this.#readers = new LapsingMap(clock, MAX_REMEMBERED, REMEMBERED_MS + ON_THE_WAY_MS)
    this.#open = new LapsingMap(clock, MAX_REMEMBERED, REMEMBERED_MS + ON_THE_WAY_MS)
  }

  /** Who may read the answer to a request. */
  readersFor({ origin, path, notes }: Asking): Readers {
    if (this.#isConfigured) {
      if (origin === null) return this.#configuredRest
      return this.#configured.get(origin) ?? this.#configuredRest
    }
    if (origin === null || path === null) return AS_THE_API_SAYS
    const keys = notes?.readersKeys ?? readersKeys(origin, path)
    if (keys === null) return AS_THE_API_SAYS
    if (notes !== undefined) notes.readersKeys = keys
    const known = this.#readers.get(keys.ofOrigin)
    return known ?? (this.#open.get(keys.pattern) === true ? EVERY_PAGE : AS_THE_API_SAYS)
  }

  /** The answer to a preflight; null: the API has to be asked. */
  answer(preflight: Preflight, requestId: string): PlainAnswer | null {
    const { origin, key } = preflight
    const { maxAgeSeconds } = this.#settings
    if (this.#isConfigured) {
      return preflightAnswer(this.#configuredPermission(origin), maxAgeSeconds, requestId)
    }
    const permission = this.#permissions.get(key)
    if (permission === undefined) return null
    const left = Math.floor(this.#permissions.msLeft(key) / 1000)
    const maxAge = Math.min(permission.maxAge ?? maxAgeSeconds, maxAgeSeconds, left)
    return preflightAnswer(permission, maxAge, requestId)
  }

  #configuredPermission(origin: string): Permission | null {
    const { methods, headers, credentials } = this.#settings
    const isAny = this.#configuredRest === EVERY_PAGE
    if (!isAny && !this.#configured.has(origin)) return null
    return {
      allowOrigin: isAny ? '*' : origin,
      hasCredentials: credentials,
      methods: (methods.length === 0 ? METHODS : methods).join(', '),
      headers: [...HEADERS, ...headers].join(', '),
      maxAge: null,
    }
  }

  /**
   * What the API has answered to a preflight.
   *
   * @returns whether it permits something, and is remembered
   */
  learn(preflight: Preflight, status: number, headers: HeaderList): boolean {
    const permission = permissionIn(preflight, status, headers)
    if (permission === null) return false
    const { origin, pattern, key } = preflight
    const { allowOrigin, hasCredentials } = permission
    this.#permissions.set(key, permission)
    const isAny = allowOrigin === '*'
    this.#readers.set(`${origin}\n${pattern}`, isAny ? EVERY_PAGE : onlyFor(origin, hasCredentials))
    return true
  }

  /** An answer to a request that named no origin: what it lets every page read is the same for all. */
  observe(path: string, headers: HeaderList): void {
    if (this.#isConfigured) return
    const isOpen = headers.some(([name]) => name === 'access-control-allow-origin')
    const pattern = isOpen && originNamed(headers) === null ? pathPattern(path) : null
    if (pattern !== null) this.#open.set(pattern, true)
  }
}

function readersKeys(origin: string, path: string): ReadersKeys | null {
  const pattern = pathPattern(path)
  return pattern === null ? null : { pattern, ofOrigin: `${origin}\n${pattern}` }
}
