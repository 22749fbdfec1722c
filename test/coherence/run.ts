/**
 * The coherence run (reliability section 5): three instances in processes of their own, one Redis with a
 * replica, clients that read and write registers, and a nemesis.
 */
import { Agent } from 'undici'
import { seededRandom } from '../../demo/data.ts'
import { launchRedis } from '../helpers/redis-servers.ts'
import { ask } from './ask.ts'
import { Checker, type Violation } from './checker.ts'
import type { Mutant } from './instance.ts'
import { addMember, type Member } from './members.ts'
import { FAULTS, type Fault, type Stage } from './nemesis.ts'
import { keyOf, type Register, STRANGER, startRegister } from './register.ts'

export interface CoherenceOptions {
  readonly seconds: number
  readonly seed: number
  readonly mutant?: Mutant
  /** A fault begins this often, and lasts half as long; null: nothing goes wrong. */
  readonly faultEveryMs: number | null
  readonly stopAtViolation?: boolean
  /** Few keys and a slow upstream: much happens to the same record at once. */
  readonly isCrowded?: boolean
}

export interface CoherenceResult {
  readonly reads: number
  readonly writes: number
  readonly hits: number
  /** Answers that a client should not have seen: none, or a server's fault. */
  readonly failures: readonly string[]
  readonly violations: readonly Violation[]
  readonly faults: readonly string[]
  readonly lateness: ReadonlyMap<string, readonly number[]>
  /** Keys that some instance shows otherwise than the upstream, after all is quiet. */
  readonly unequal: readonly string[]
}

const CLIENTS = 30
const TENANTS = 10
const CUSTOMERS = 20
const HEALTHY = 'healthy'
/** By then a write whose process has ended was given up (docs/coherence.md, "Writes that never settle"). */
const NEVER_SETTLED_MS = 14_000
/** After a fault is healed, its bound still counts for so long. */
const AFTERMATH_MS = 3_000

/** Design section 4, in milliseconds: the same instance 0, a healthy bus 500, a single fault 2,000. */
const BOUNDS = {
  sameMs: 0,
  otherMs: (fault: string): number => (fault === HEALTHY ? 500 : 2_000),
}

export async function runCoherence(options: CoherenceOptions): Promise<CoherenceResult> {
  const run = new Run(options)
  try {
    await run.prepare()
    return await run.play()
  } finally {
    await run.close()
  }
}

class Run {
  readonly #options: CoherenceOptions
  readonly #random: () => number
  readonly #checker = new Checker(BOUNDS)
  readonly #agent = new Agent({ connections: 64 })
  readonly #failures: string[] = []
  readonly #faults: string[] = []
  readonly #cleanup: (() => Promise<void>)[] = []
  #stage!: Stage
  #register!: Register
  #fault = HEALTHY
  #hits = 0
  #isOver = false

  constructor(options: CoherenceOptions) {
    this.#options = options
    this.#random = seededRandom(`coherence/${options.seed}`)
  }

  async prepare(): Promise<void> {
    const primary = await launchRedis(['--repl-diskless-sync-delay', '0'])
    this.#cleanup.push(() => primary.close())
    const standby = await launchRedis(['--repl-diskless-sync-delay', '0'])
    this.#cleanup.push(() => standby.close())
    await standby.cli('REPLICAOF', '127.0.0.1', String(primary.port))
    this.#register = await startRegister(this.#random, this.#options.isCrowded ? 300 : 40)
    this.#cleanup.push(() => this.#register.close())
    const members: Member[] = []
    for (let i = 0; i < 3; i++) {
      const { mutant = null } = this.#options
      const member = await addMember(this.#register.url, primary.port, mutant)
      members.push(member)
      this.#cleanup.push(
        () => member.kill(),
        () => member.gate.close(),
      )
    }
    this.#stage = { members, primary, standby, random: this.#random, leaving: 0, cutOff: null }
    await pause(1_500)
  }

  async play(): Promise<CoherenceResult> {
    const end = performance.now() + this.#options.seconds * 1_000
    const clients = Array.from({ length: CLIENTS }, () => this.#client(end))
    await this.#torment(end)
    await Promise.all(clients)
    await pause(this.#options.faultEveryMs === null ? 0 : 4_000)
    const unequal = this.#options.stopAtViolation ? [] : await this.#compare()
    const { reads, writes, violations, lateness } = this.#checker
    const told = { failures: this.#failures, faults: this.#faults, violations, lateness, unequal }
    return { reads, writes, hits: this.#hits, ...told }
  }

  async close(): Promise<void> {
    this.#isOver = true
    await this.#agent.destroy()
    for (const clean of this.#cleanup.reverse()) await clean()
  }

  async #torment(end: number): Promise<void> {
    const every = this.#options.faultEveryMs
    if (every === null) return
    let order: Fault[] = []
    while (performance.now() + every < end) {
      await pause(every / 4)
      if (order.length === 0) order = shuffled(FAULTS, this.#random)
      const fault = order.pop() as Fault
      this.#faults.push(fault.name)
      this.#fault = fault.name
      await fault.begin(this.#stage)
      await pause(Math.min(8_000, every / 2))
      await fault.heal(this.#stage)
      const healed = fault.name
      setTimeout(() => {
        if (this.#fault === healed) this.#fault = HEALTHY
      }, AFTERMATH_MS).unref()
      await pause(every / 4)
    }
  }

  async #client(end: number): Promise<void> {
    while (performance.now() < end && !this.#isOver) {
      const [tenants, customers] = this.#options.isCrowded ? [2, 3] : [TENANTS, CUSTOMERS]
      const tenant = String(1 + Math.floor(this.#random() ** 2 * tenants))
      const customer = String(1 + Math.floor(this.#random() ** 2 * customers))
      const instance = Math.floor(this.#random() * this.#stage.members.length)
      await this.#act(this.#random(), tenant, customer, instance)
      if (this.#options.stopAtViolation && this.#checker.violations.length > 0) return
      await pause(this.#random() * 40)
    }
  }

  async #act(chance: number, tenant: string, customer: string, instance: number): Promise<void> {
    if (chance < 0.05) await this.#write('PATCH', tenant, customer, instance)
    // With few records one or the other would be in doubt all the time, and nothing be shared.
    else if (chance < 0.055 && !this.#options.isCrowded) {
      await this.#write('DELETE', tenant, customer, instance)
    } else if (chance < 0.08) await this.#intrude(tenant, customer, instance)
    else await this.#read(tenant, customer, instance)
  }

  /** A write of somebody whom the upstream refuses. */
  async #intrude(tenant: string, customer: string, instance: number): Promise<void> {
    const { url } = this.#stage.members[instance] as Member
    if (url === null) return
    const answer = await ask(this.#agent, url, 'PATCH', tenant, customer, undefined, STRANGER)
    if (answer?.status !== 401) {
      this.#noteFailure(
        `a stranger was answered with ${answer?.status} (${this.#fault})`,
        instance,
        url,
      )
    }
  }

  async #read(tenant: string, customer: string, instance: number): Promise<void> {
    const { url } = this.#stage.members[instance] as Member
    if (url === null) return
    const fault = this.#fault
    const invokedAt = performance.now()
    const isLeaving = this.#random() < this.#stage.leaving
    const signal = isLeaving ? AbortSignal.timeout(Math.ceil(this.#random() * 30)) : undefined
    const answer = await ask(this.#agent, url, 'GET', tenant, customer, signal)
    if (answer === null) {
      if (!isLeaving) this.#noteFailure(`no answer to a read (${fault})`, instance, url)
      return
    }
    if (answer.status !== 200) {
      this.#failures.push(`a read was answered with ${answer.status} (${fault})`)
      return
    }
    if (/; hit/.test(answer.cacheStatus)) this.#hits++
    const key = keyOf(tenant, customer)
    this.#checker.judge({
      key,
      instance: this.#identity(instance),
      version: answer.version,
      invokedAt,
      fault,
    })
  }

  /** A DELETE is applied, and broken off before it is answered: 502, and no less a write. */
  async #write(
    method: 'PATCH' | 'DELETE',
    tenant: string,
    customer: string,
    instance: number,
  ): Promise<void> {
    const { url, incarnation } = this.#stage.members[instance] as Member
    if (url === null) return
    const wasCutOff = this.#stage.cutOff === instance
    const answer = await ask(this.#agent, url, method, tenant, customer, undefined)
    const key = keyOf(tenant, customer)
    if (answer === null || answer.status !== (method === 'PATCH' ? 200 : 502)) {
      this.#noteFailure(`a write failed (${this.#fault})`, instance, url)
      if (answer === null) this.#neverSettled(key)
      return
    }
    const confirmedAt = performance.now()
    const isCutOff = wasCutOff || this.#stage.cutOff === instance
    const version = method === 'PATCH' ? answer.version : this.#versionOf(key)
    const write = { key, instance: instance + incarnation * 10, version, confirmedAt }
    // F18: what a cut-off instance has written, the others learn when it is back.
    const knownFrom = isCutOff ? Number.POSITIVE_INFINITY : confirmedAt
    this.#checker.confirmed({ ...write, knownFrom })
    if (isCutOff)
      void this.#whenRejoined(instance).then((at) =>
        this.#checker.confirmed({ ...write, instance: -1, knownFrom: at }),
      )
  }

  #versionOf(key: string): number {
    return this.#register.versions.get(key) ?? 0
  }

  /** What had been applied when its process ended is shown to all, once its time is over. */
  #neverSettled(key: string): void {
    const confirmedAt = performance.now()
    const version = this.#versionOf(key)
    const knownFrom = confirmedAt + NEVER_SETTLED_MS
    this.#checker.confirmed({ key, instance: -1, version, confirmedAt, knownFrom })
  }

  /** Resolves when the instance is no longer cut off, and has had the time to say what it owes. */
  async #whenRejoined(instance: number): Promise<number> {
    while (this.#stage.cutOff === instance && !this.#isOver) await pause(20)
    return performance.now() + 1_000
  }

  #identity(instance: number): number {
    return instance + (this.#stage.members[instance] as Member).incarnation * 10
  }

  /** A process that was killed on purpose owes no answer. */
  #noteFailure(what: string, instance: number, url: string): void {
    if ((this.#stage.members[instance] as Member).url === url && !this.#isOver)
      this.#failures.push(what)
  }

  async #compare(): Promise<string[]> {
    const unequal: string[] = []
    for (const [key, version] of this.#register.versions) {
      const [tenant = '', customer = ''] = key.split('/')
      for (const { url } of this.#stage.members) {
        const answer =
          url === null ? null : await ask(this.#agent, url, 'GET', tenant, customer, undefined)
        if (answer?.version !== version) unequal.push(`${key}: ${answer?.version} for ${version}`)
      }
    }
    return unequal
  }
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => [random(), value] as const)
    .sort(([a], [b]) => a - b)
    .map(([, value]) => value)
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
