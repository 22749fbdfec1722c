/**
 * A world for the property of `explain-property.test.ts`: the real pipeline, cache and guards on a clock that
 * stands still, before an upstream that answers by its mood. Commands are plain data, so that the same ones can
 * be carried out twice.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { buildCore, type Core } from '../../../src/app.ts'
import { Credentials } from '../../../src/auth/credentials.ts'
import { VersionPins } from '../../../src/auth/version-pins.ts'
import { DigestRule } from '../../../src/cache/digest-rule.ts'
import type { Question, Surroundings } from '../../../src/cache/explainer.ts'
import type { AnnouncedWrite } from '../../../src/cache/invalidation.ts'
import {
  credentialFence,
  familyFence,
  grantKey,
  subjectFence,
  tenantFence,
  viewKey,
} from '../../../src/cache/key.ts'
import type { ReadUpstream, UpstreamAnswer } from '../../../src/cache/ports.ts'
import { type AssumedAnswer, type Findings, predict } from '../../../src/cache/prediction.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { matchRead, matchWrite } from '../../../src/contract/routes.ts'
import { headersOf } from '../../../src/http/answer.ts'
import { cacheStatus } from '../../../src/http/cache-status.ts'
import { Cors } from '../../../src/http/cors.ts'
import type { Exchange } from '../../../src/http/exchange.ts'
import { Pipeline } from '../../../src/http/pipeline.ts'
import { problemOf } from '../../../src/http/read-failures.ts'
import { RequestTraces } from '../../../src/http/request-traces.ts'
import { SilentTracer } from '../../../src/lib/tracer.ts'
import { Reporting } from '../../../src/ops/reporting.ts'
import { LocalFences } from '../../../src/stores/local-fences.ts'
import { createMemoryStore } from '../../../src/stores/memory-store.ts'
import { UpstreamBreaker } from '../../../src/upstream/breaker.ts'
import { GuardedReads } from '../../../src/upstream/guarded-reads.ts'
import { divide } from '../../../src/upstream/shares.ts'
import { FakeClock } from '../../helpers/clock.ts'

const SECRET = 'a secret for tests only, 32 long and more'
const TENANT = '7'
const TOKENS = ['one.aaaa', 'two.bbbb', 'three.cccc'] as const
const VERSIONS = [null, '2019/02/08', '2023/04/19'] as const
const FIRST_VERSION = '2019/02/08'

export interface Asked {
  readonly who: number
  readonly customer: '1' | '2'
  readonly version: 0 | 1 | 2
}

export type Mood = keyof typeof MOODS

type Write = { readonly customer: '1' | '2'; readonly status: number | null }

export type Command =
  /** A plain read, foretold first. */
  | ({ readonly kind: 'foretold' } & Asked)
  | ({ readonly kind: 'read'; readonly cacheControl: string } & Asked)
  /** Plain reads while the upstream holds its answers back, each foretold. */
  | { readonly kind: 'together'; readonly reads: readonly Asked[]; readonly fails: boolean }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'role'; readonly who: number; readonly role: number }
  | { readonly kind: 'edit'; readonly customer: '1' | '2' }
  | { readonly kind: 'mood'; readonly mood: Mood }
  | ({ readonly kind: 'write' } & Write)
  | { readonly kind: 'announce'; readonly customer: '1' | '2' }
  | { readonly kind: 'settle'; readonly status: number | null }
  | {
      readonly kind: 'purge'
      readonly what: 'tenant' | 'customer' | 'credential'
      readonly isSoft: boolean
      readonly who: number
    }
  | { readonly kind: 'overload'; readonly isHigh: boolean }

export interface Settings {
  readonly sharing: 'witnessed' | 'credential' | 'tenant'
  readonly swrMs: number
  readonly sieMs: number
  readonly memoryBytes: number
  readonly maxFences: number
}

/** What the upstream does with a read, and what is to be assumed of it. */
const MOODS = {
  well: { kind: 'answer', status: 200, rejected: null, takesMs: 0 },
  'no-store': { kind: 'answer', status: 200, rejected: 'no-store', takesMs: 0 },
  'set-cookie': { kind: 'answer', status: 200, rejected: 'set-cookie', takesMs: 0 },
  'too-long': { kind: 'answer', status: 200, rejected: 'size', takesMs: 0 },
  unknown: { kind: 'answer', status: 404, rejected: 'status', takesMs: 0 },
  forbidden: { kind: 'answer', status: 403, rejected: 'status', takesMs: 0 },
  revoked: { kind: 'answer', status: 401, rejected: 'status', takesMs: 0 },
  busy: { kind: 'answer', status: 429, rejected: 'status', takesMs: 0 },
  broken: { kind: 'answer', status: 500, rejected: 'status', takesMs: 0 },
  down: { kind: 'answer', status: 503, rejected: 'status', takesMs: 0 },
  gone: { kind: 'unreachable', cause: 'reset', wasSent: true },
  slow: { kind: 'timeout', cause: 'headers-timeout', wasSent: true },
} as const satisfies Record<string, AssumedAnswer>

/** More than the world has. */
const MANY_FENCES = 1_024
/** More than the world's records take. */
const MUCH_MEMORY = 1_048_576
const DIGESTS = new DigestRule([])
const LIMITS = { connections: 128, tenantReads: 64, passThrough: 64, tenantPassThrough: 32 }

export const settings: fc.Arbitrary<Settings> = fc.record({
  sharing: fc.constantFrom('witnessed' as const, 'credential' as const, 'tenant' as const),
  swrMs: fc.constantFrom(0, 0, 30_000),
  sieMs: fc.constantFrom(0, 300_000),
  memoryBytes: fc.constantFrom(MUCH_MEMORY, MUCH_MEMORY, 12_000),
  maxFences: fc.constantFrom(MANY_FENCES, MANY_FENCES, 6),
})

const who = fc.nat({ max: TOKENS.length - 1 })
const customer = fc.constantFrom('1' as const, '2' as const)
const asked = {
  who,
  customer,
  version: fc.constantFrom(0 as const, 1 as const, 1 as const, 2 as const),
}
const status = fc.constantFrom(200, 200, 204, 403, 500, null)

const plain: fc.Arbitrary<Command> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('foretold' as const), ...asked }), weight: 14 },
  {
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      cacheControl: fc.constantFrom('', 'no-cache', 'max-age=0', 'only-if-cached', 'max-stale'),
      ...asked,
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('together' as const),
      reads: fc.array(fc.record(asked), { minLength: 2, maxLength: 4 }),
      fails: fc.boolean(),
    }),
    weight: 2,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 999, 10_000, 29_000, 100_000, 305_000, 400_000, 900_000),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({ kind: fc.constant('role' as const), who, role: fc.nat({ max: 1 }) }),
    weight: 1,
  },
  { arbitrary: fc.record({ kind: fc.constant('edit' as const), customer }), weight: 2 },
  {
    arbitrary: fc.record({
      kind: fc.constant('mood' as const),
      mood: fc.constantFrom(...([...Array(12).fill('well'), ...Object.keys(MOODS)] as Mood[])),
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({ kind: fc.constant('write' as const), customer, status }),
    weight: 1,
  },
  { arbitrary: fc.record({ kind: fc.constant('announce' as const), customer }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('settle' as const), status }), weight: 1 },
  {
    arbitrary: fc.record({
      kind: fc.constant('purge' as const),
      what: fc.constantFrom('tenant' as const, 'customer' as const, 'credential' as const),
      isSoft: fc.boolean(),
      who,
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('overload' as const),
      isHigh: fc.constantFrom(...Array<boolean>(7).fill(false), true),
    }),
    weight: 1,
  },
)
/** The upstream does not answer for so long that the guards before it speak up. */
const outage: fc.Arbitrary<Command[]> = fc.constant([
  { kind: 'mood', mood: 'gone' },
  ...Array.from(
    { length: 10 },
    (): Command => ({
      kind: 'read',
      cacheControl: 'no-cache',
      who: 2,
      customer: '2',
      version: 2,
    }),
  ),
])

export const commands: fc.Arbitrary<Command[]> = fc
  .array(
    fc.oneof(
      { arbitrary: plain.map((one) => [one]), weight: 100 },
      { arbitrary: outage, weight: 1 },
    ),
    { minLength: 20, maxLength: 60 },
  )
  .map((all) => all.flat())

export interface Foretold {
  readonly asked: Asked
  readonly found: Findings
  readonly status: string | null
  readonly problem: string | null
  readonly assumes: string
}

/** What a client saw. */
export interface Seen {
  readonly status: string | null
  readonly problem: string | null
}

export interface Comparison {
  readonly foretold: Foretold
  readonly seen: Seen
}

/** May change what was found before it is judged. */
export type Mutant = (found: Findings) => Findings

const FAMILY = familyFence(TENANT, 'customer', '1')

const answeredWith = (version: string) =>
  [
    ['content-type', 'application/json'],
    ['x-api-version', version],
  ] as const

export class World {
  readonly #clock = new FakeClock()
  readonly #core: Core
  readonly #pins = new VersionPins(1_000)
  readonly #credentials = new Credentials([SECRET])
  readonly #fences: LocalFences
  readonly #maxFences: number
  /** Records make way for others. */
  readonly #isCramped: boolean
  readonly #calls: Record<string, number> = {}
  /** What clients saw, in order. */
  readonly seen: Seen[] = []
  readonly #pipeline: Pipeline
  readonly #around: Surroundings
  readonly #announced: AnnouncedWrite[] = []
  readonly #roles = [0, 0, 1]
  readonly #revisions = { '1': 0, '2': 0 }
  /** The upstream's own sticky state. */
  readonly #sticky = [FIRST_VERSION, FIRST_VERSION, FIRST_VERSION]
  /** Request id → digest of what it was given. */
  readonly #given = new Map<string, string>()
  #mood: Mood = 'well'
  #isHigh = false
  #held: (() => void)[] | null = null
  #requests = 0

  constructor({ sharing, swrMs, sieMs, memoryBytes, maxFences }: Settings) {
    const config = parseConfig({
      upstream: { url: 'http://upstream.invalid' },
      secret: SECRET,
      cache: {
        sharing,
        // Half a second over: what a few milliseconds take from it does not show.
        ttlMs: 300_500,
        ttlJitter: 0,
        credentialTtlMs: 600_000,
        staleWhileRevalidateMs: swrMs,
        staleIfErrorMs: sieMs,
        maxBodyBytes: 1_024,
      },
    })
    const clock = this.#clock
    const reporter = new Reporting()
    this.#maxFences = maxFences
    this.#isCramped = memoryBytes < MUCH_MEMORY
    this.#fences = new LocalFences({ clock, maxFences })
    const fences = this.#counted(this.#fences, 'isInTouch', 'sight')
    const memory = this.#counted(createMemoryStore({ maxBytes: memoryBytes }), 'peek')
    const random = (): number => 0.5
    this.#core = buildCore(config, { clock, random, fences, memory }, reporter)
    const { gate, reading: places } = divide(LIMITS, clock, () => {})
    const guarded = new GuardedReads({
      client: { read: (path, headers) => this.#answer(path, headers) },
      breaker: new UpstreamBreaker(clock, () => {}),
      gate,
      clock,
      places,
    })
    this.#pipeline = new Pipeline({
      clock,
      cache: this.#core.cache,
      cors: new Cors(config.cors, clock),
      clientLifetimes: config.cache,
      isTimed: false,
      standings: this.#core.standings,
      credentials: this.#credentials,
      pins: this.#pins,
      tenants: { isOff: () => false },
      readUpstream: guarded,
      reporter,
      traces: new RequestTraces(new SilentTracer(0), false),
      newRequestId: () => `00000000-0000-4000-8000-${String(++this.#requests).padStart(12, '0')}`,
      random,
      isOverloaded: () => this.#isHigh,
      maxRequestBytes: 1_024,
      reportsClients: false,
      totalTimeoutMs: 10_000,
    })
    this.#around = {
      pins: this.#pins,
      credentialOf: () => null,
      refusal: (tenant, isAccepted) => guarded.refusal(tenant, isAccepted),
      isOff: () => false,
      isOverloaded: () => this.#isHigh,
      tier: null,
    }
  }

  /** All that has been done to memory and fences, but for mere looks. */
  get doings(): string {
    const { memory, sharing } = this.#core
    return JSON.stringify([this.#calls, memory.bytes, memory.entries, sharing.trippedCount])
  }

  async run(
    command: Command,
    foretell: (asked: Asked) => Promise<Foretold | null>,
  ): Promise<Comparison[]> {
    // No two requests are sent in the same moment: of two such, nobody can say which was first.
    this.#clock.advance(1)
    switch (command.kind) {
      case 'foretold': {
        const foretold = await foretell(command)
        const seen = await this.#read(command, '').seen
        await this.#settled()
        return foretold === null || !this.#isParentAsSeen(foretold) ? [] : [{ foretold, seen }]
      }
      case 'together':
        return this.#readTogether(command.reads, command.fails, foretell)
      default:
        await this.#carryOut(command)
        await this.#settled()
        return []
    }
  }

  async foretell(asked: Asked, mutant: Mutant): Promise<Foretold> {
    const question = this.#questionOf(asked)
    await this.#core.explainer.explain(question, this.#around)
    const found = mutant(await this.#core.explainer.survey(question, this.#around))
    const { outcome, problem, assumes } = predict(found, MOODS[this.#mood])
    return {
      asked,
      found,
      status: cacheStatus(outcome),
      problem: problem === null ? null : problem === 'overloaded' ? problem : problemOf(problem),
      assumes,
    }
  }

  /** Counts the calls of all methods but the one that only looks. */
  #counted<T extends object>(of: T, ...looks: readonly (keyof T & string)[]): T {
    return new Proxy(of, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          const at = String(name)
          if (!(looks as readonly string[]).includes(at))
            this.#calls[at] = (this.#calls[at] ?? 0) + 1
          return member.apply(target, args)
        }
      },
    })
  }

  #questionOf({ who, customer: id, version }: Asked): Question {
    const found = matchRead(`/customers/${id}`)
    if (found.kind !== 'cached') throw new Error('no such route')
    const { partition } = this.#credentials.of(`Bearer ${TOKENS[who]}`)
    return { match: found.match, tenant: TENANT, version: VERSIONS[version] ?? null, partition }
  }

  #read(asked: Asked, cacheControl: string): { readonly seen: Promise<Seen> } {
    const { who, customer: id, version } = asked
    const form = VERSIONS[version] ?? null
    const rawHeaders = ['host', 'layby', 'authorization', `Bearer ${TOKENS[who]}`]
    rawHeaders.push('x-tenant-id', TENANT)
    if (form !== null) rawHeaders.push('x-api-version', form)
    if (cacheControl !== '') rawHeaders.push('cache-control', cacheControl)
    const raw = { method: 'GET', url: `/customers/${id}`, httpVersion: '1.1', rawHeaders }
    const seen = new Promise<Seen>((done, reject) => {
      const resolve = (one: Seen): void => {
        this.seen.push(one)
        done(one)
      }
      const exchange: Exchange = {
        raw,
        answer: (answer) => {
          if (answer.body instanceof Readable) answer.body.destroy()
          const list = headersOf(answer)
          const at = list.indexOf('Cache-Status')
          resolve({ status: at < 0 ? null : (list[at + 1] as string), problem: null })
        },
        peer: { address: null, isSecure: false },
        inform: () => {},
        problem: (code) => {
          resolve({ status: null, problem: code })
          return 500
        },
        passOn: () => reject(new Error('passed on')),
      }
      this.#pipeline.handle(exchange)
    })
    return { seen }
  }

  async #readTogether(
    reads: readonly Asked[],
    fails: boolean,
    foretell: (asked: Asked) => Promise<Foretold | null>,
  ): Promise<Comparison[]> {
    this.#mood = fails ? 'gone' : 'well'
    this.#held = []
    const started: { foretold: Foretold | null; seen: Promise<Seen> }[] = []
    for (const one of reads) {
      this.#clock.advance(1)
      const foretold = await foretell(one)
      started.push({ foretold, seen: this.#read(one, '').seen })
      await this.#settled()
    }
    while (this.#held.length > 0) {
      this.#held.shift()?.()
      await this.#settled()
    }
    this.#held = null
    const comparisons: Comparison[] = []
    for (const [i, { foretold, seen }] of started.entries()) {
      const comparison = { foretold, seen: await seen }
      if (foretold === null || !this.#isParentAsSeen(foretold)) continue
      const { asked, assumes } = foretold
      // Where room is short, what has landed may have made way for the next before it is looked for.
      const isLost = this.#isCramped || isDoubted(asked, reads.slice(i + 1))
      if (assumes === 'landing' && isLost) continue
      // Where fences are forgotten for room, one fill may cost another its own.
      if (this.#maxFences < MANY_FENCES || !this.#isAssumptionTrue(foretold, fails)) continue
      comparisons.push({ ...comparison, foretold })
    }
    return comparisons
  }

  /** A write to a parent that nobody has seen yet can't be known to concern the record. */
  #isParentAsSeen({ asked: { customer: id }, found: { parent } }: Foretold): boolean {
    return id === '1' || parent === '1' || !this.#fences.sight(FAMILY).isPending
  }

  /** What was taken for granted of a request under way did come true. */
  #isAssumptionTrue(
    { asked: { version, ...rest }, found, assumes }: Foretold,
    fails: boolean,
  ): boolean {
    // A request that failed has left the pin unknown, for those after it, too.
    if (fails) return version !== 0
    const leader = found.underWay.refresh
    if (assumes !== 'landing' || leader === null) return true
    const { match, tenant, partition } = this.#questionOf({ version, ...rest })
    const view = { tenant, route: match.route.name, params: match.params, version: found.version }
    const held = this.#core.memory.peek(grantKey(viewKey(view), partition))
    return held?.kind === 'grant' && held.digest === this.#given.get(leader.requestId)
  }

  async #carryOut(command: Exclude<Command, { kind: 'foretold' | 'together' }>): Promise<void> {
    switch (command.kind) {
      case 'read':
        await this.#read(command, command.cacheControl).seen
        return
      case 'wait':
        this.#clock.advance(command.ms)
        return
      case 'role':
        this.#roles[command.who] = command.role
        return
      case 'edit':
        this.#revisions[command.customer]++
        return
      case 'mood':
        this.#mood = command.mood
        return
      case 'write':
        await this.#announce(command.customer)
        return this.#settle(command.status)
      case 'announce':
        return this.#announce(command.customer)
      case 'settle':
        return this.#settle(command.status)
      case 'purge':
        if (command.isSoft && command.what !== 'credential') {
          await this.#fences.mark([this.#fenceOf(command)])
        } else await this.#fences.change([this.#fenceOf(command)])
        return
      case 'overload':
        this.#isHigh = command.isHigh
        return
      default:
        return command satisfies never
    }
  }

  #fenceOf({ what, who }: Extract<Command, { kind: 'purge' }>): string {
    if (what === 'tenant') return tenantFence(TENANT)
    if (what === 'customer') return subjectFence(TENANT, 'customer', String((who % 2) + 1))
    return credentialFence(this.#credentials.of(`Bearer ${TOKENS[who]}`).partition)
  }

  async #announce(id: '1' | '2'): Promise<void> {
    const match = matchWrite('PATCH', `/customers/${id}`)
    if (match === null) throw new Error('no such write')
    this.#announced.push(await this.#core.invalidator.announce(TENANT, match, true))
  }

  async #settle(result: number | null): Promise<void> {
    const write = this.#announced.shift()
    if (write === undefined) return
    const id = write.match.subject as '1' | '2'
    this.#revisions[id]++
    const responseBody = result === 200 ? this.#bodyOf(id, 0) : null
    await this.#core.invalidator.settle(write, {
      isSent: true,
      status: result,
      requestBody: '{}',
      responseBody,
    })
  }

  /** Customer 2 is a child of customer 1. */
  #bodyOf(id: '1' | '2', role: number): string {
    const parent = id === '2' ? 1 : null
    return JSON.stringify({
      id: Number(id),
      parent_id: parent,
      role,
      revision: this.#revisions[id],
    })
  }

  async #answer(
    path: string,
    { authorization, version, requestId }: Parameters<ReadUpstream['read']>[1],
  ): Promise<UpstreamAnswer> {
    const sentAt = this.#clock.monotonic()
    const { held } = { held: this.#held }
    if (held !== null) await new Promise<void>((resolve) => void held.push(resolve))
    const who = TOKENS.findIndex((token) => authorization === `Bearer ${token}`)
    const assumed: AssumedAnswer = MOODS[this.#mood]
    if (assumed.kind !== 'answer') return assumed
    if (version !== null) this.#sticky[who] = version
    const id = path.endsWith('1') ? '1' : '2'
    const body = Buffer.from(this.#bodyOf(id, this.#roles[who] ?? 0))
    const headers: (readonly [string, string])[] = [...answeredWith(this.#sticky[who] ?? '')]
    this.#given.set(requestId, DIGESTS.digestOf(200, DIGESTS.keptHeaders(headers), body))
    if (this.#mood === 'no-store') headers.push(['cache-control', 'no-store'])
    if (this.#mood === 'set-cookie') headers.push(['set-cookie', 'a=b'])
    if (this.#mood === 'busy') headers.push(['retry-after', '3'])
    const head = { status: assumed.status, reason: '', headers, sentAt }
    return this.#mood === 'too-long'
      ? { kind: 'streamed', why: 'size', ...head, stream: Readable.from([body]) }
      : { kind: 'buffered', ...head, body }
  }

  /** What was set off has come to rest. */
  async #settled(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/**
 * Whether a later request, still on its way when the one that is waited for lands, puts the version in doubt that
 * is in force for the credential: what landed can't be served then, and nobody could foretell that.
 */
function isDoubted({ who, version }: Asked, later: readonly Asked[]): boolean {
  return later.some((one) => one.who === who && one.version !== version)
}
