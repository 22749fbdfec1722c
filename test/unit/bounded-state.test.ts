/**
 * What a process keeps from one request to the next stays within its bound (`docs/reliability.md`), whatever is named:
 * each collection is given 100,000 different names.
 */
import { EventEmitter } from 'node:events'
import { Registry } from 'prom-client'
import t from 'tap'
import { BOUNDED_STATE, KEPT_STATE } from '../../docs/kept-state.ts'
import { Credentials } from '../../src/auth/credentials.ts'
import { VersionPins } from '../../src/auth/version-pins.ts'
import { AskedViews } from '../../src/cache/asked-views.ts'
import { Backoff } from '../../src/cache/backoff.ts'
import { NO_DIRECTIVES } from '../../src/cache/cache-control.ts'
import { Coalescer } from '../../src/cache/coalesce.ts'
import { HeaderChanges } from '../../src/cache/header-changes.ts'
import { HeaderLists } from '../../src/cache/header-lists.ts'
import { credentialFence, subjectFence, widenedFence } from '../../src/cache/key.ts'
import { LastRejects } from '../../src/cache/last-rejects.ts'
import { outcome } from '../../src/cache/outcome.ts'
import { Refreshes } from '../../src/cache/refreshes.ts'
import type { Report } from '../../src/cache/report.ts'
import { readRequest } from '../../src/cache/request.ts'
import type { MissVerdict } from '../../src/cache/served.ts'
import { SharingMode } from '../../src/cache/sharing.ts'
import { TenantSwitch } from '../../src/cache/tenant-switch.ts'
import { TierWalk, type TierWalkDependencies } from '../../src/cache/tier-walk.ts'
import { matchRead } from '../../src/contract/routes.ts'
import { HeldMemory } from '../../src/http/held-memory.ts'
import { LapsingMap } from '../../src/http/lapsing-map.ts'
import { WriteLimit } from '../../src/http/write-limit.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { UNTRACED } from '../../src/lib/tracer.ts'
import { AccessLog } from '../../src/ops/access-log.ts'
import { History } from '../../src/ops/history.ts'
import { MergedMetrics } from '../../src/ops/merged-metrics.ts'
import { RecentProblems } from '../../src/ops/recent-problems.ts'
import { RequestMetrics } from '../../src/ops/request-metrics.ts'
import { type Snapshot, snapshotOf } from '../../src/ops/snapshot.ts'
import { TenantTraffic } from '../../src/ops/tenant-traffic.ts'
import { PrimaryLink } from '../../src/processes/link.ts'
import { Overview } from '../../src/processes/overview.ts'
import { Relay } from '../../src/processes/relay.ts'
import { Bus, type BusOptions } from '../../src/stores/bus.ts'
import { sealEnvelope } from '../../src/stores/bus-envelope.ts'
import { CredentialReads } from '../../src/stores/credential-reads.ts'
import { FairMap } from '../../src/stores/fair-map.ts'
import { FenceTable } from '../../src/stores/fence-table.ts'
import { Lease } from '../../src/stores/lease.ts'
import { createMemoryStore } from '../../src/stores/memory-store.ts'
import { OwedChanges } from '../../src/stores/owed-changes.ts'
import { PeerInvalidations } from '../../src/stores/peer-invalidations.ts'
import { createProcessState } from '../../src/stores/process-state.ts'
import { ProvisionalNames } from '../../src/stores/provisional-names.ts'
import { BusRollCall } from '../../src/stores/roll-call.ts'
import { SharedFences, type SharedFencesOptions } from '../../src/stores/shared-fences.ts'
import { SharedPins, type SharedPinsOptions } from '../../src/stores/shared-pins.ts'
import { SharedSwitches, type SharedSwitchesOptions } from '../../src/stores/shared-switches.ts'
import { SwitchRegister } from '../../src/stores/switch-register.ts'
import { Turns, type TurnsOptions } from '../../src/stores/turns.ts'
import { FairQueue } from '../../src/upstream/fair-queue.ts'
import { TenantGate } from '../../src/upstream/tenant-gate.ts'
import { FakeClock } from '../helpers/clock.ts'
import { track } from '../helpers/tracked-collections.ts'

const NAMES = 100_000
const names = (): string[] => Array.from({ length: NAMES }, (_, i) => `n${i}`)
/** What is made beside what is counted: by the test, or by what it needs. */
const SLACK = 150
/** Nothing is left once what is under way is over. */
const UNDER_WAY = 0

interface Case {
  readonly places: readonly string[]
  /** Entries of all collections together that may be left. */
  readonly bound: number
  /** Gives what is to be kept, and counted. */
  readonly run: () => unknown
}

/** All names, a thousand at once. */
async function inBatches(work: (name: string, i: number) => Promise<unknown>): Promise<void> {
  const all = names()
  for (let from = 0; from < NAMES; from += 1_000) {
    const batch = all.slice(from, from + 1_000)
    await Promise.allSettled(batch.map((name, i) => work(name, from + i)))
  }
}

const clock = new FakeClock()
const MISS = { kind: 'ask', reason: 'no-grant' } as MissVerdict

function emptySnapshot(): Snapshot {
  return snapshotOf({
    ...{ instance: 'one', host: 'pod-1', version: '1.2.3', upstreamName: 'api.example' },
    runbooks: '',
    ...{ at: 0, monotonicMs: 0, isReady: true, memoryMaxBytes: 1 },
    ...{ metrics: [], tenants: [], problems: [] },
  })
}

function reportOf(more: Partial<Report>): Report {
  const told = outcome('hit', { tier: 'memory' })
  const none = { route: null, tenant: null, problem: null, traceId: null }
  return {
    outcome: told,
    status: 200,
    method: 'GET',
    requestId: '',
    durationMs: 1,
    ...none,
    ...more,
  }
}

function requestOf(id: number) {
  const match = matchRead(`/customers/${id + 1}`)
  if (match.kind !== 'cached') throw new Error('it is a cached route')
  const partition = `p${id}`
  return readRequest({
    match: match.match,
    tenant: '7',
    version: null,
    credential: { partition, holder: 'h', sealFor: () => Buffer.alloc(32), former: [] },
    directives: NO_DIRECTIVES,
    pins: { current: () => null, adopt: () => {} },
  })
}

/** Redis that says no to everything, and one that is away. */
const REFUSING = { isUsable: true, isAnswering: true, run: async () => ({ ok: true, value: [] }) }
const AWAY = {
  isUsable: false,
  isAnswering: false,
  run: async () => ({ ok: false, refused: false }),
  publish: async () => ({ ok: false, refused: false }),
}
const DEAF = { id: 'x', publish: async () => false }
const anImmediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A module of its own, whose own collections are made while they are counted. */
async function fresh<T>(file: string): Promise<T> {
  return (await import(new URL(`../../src/${file}?counted`, import.meta.url).href)) as T
}

const CASES: readonly Case[] = [
  {
    places: ['auth/credentials.ts#known', 'auth/partition.ts#known', 'auth/sealing.ts#known'],
    bound: 30_000,
    run: () => {
      const credentials = new Credentials(['a secret of tests'])
      for (const name of names()) credentials.of(`Bearer ${name}`).sealFor('7')
      return credentials
    },
  },
  {
    places: ['auth/version-pins.ts#idle', 'auth/version-pins.ts#busy'],
    bound: 1_000,
    run: () => {
      const pins = new VersionPins(1_000)
      for (const name of names()) pins.end(pins.begin(name, null), '2019/02/08', true)
      for (const name of names()) pins.end(pins.begin(`${name}?`, null), null, false)
      for (const name of names()) pins.adopt(name, '2019/02/08')
      return pins
    },
  },
  {
    places: ['cache/backoff.ts#pauses'],
    bound: 10_000,
    run: () => {
      const backoff = new Backoff(clock, () => 0)
      for (const name of names()) backoff.failed(name)
      return backoff
    },
  },
  {
    places: ['cache/refreshes.ts#underWay'],
    bound: 10_000,
    run: async () => {
      const refreshes = new Refreshes(new Backoff(clock, () => 0))
      const work = (i: number) => async (): Promise<number> => {
        if (i % 2 === 0) throw new Error('a fault')
        return i
      }
      await inBatches((name, i) => refreshes.run(name, work(i), () => i % 3 === 0))
      return refreshes
    },
  },
  {
    places: ['cache/coalesce.ts#flights'],
    bound: UNDER_WAY,
    run: async () => {
      const flights = new Coalescer<number>()
      const who = { holder: 'h', requestId: 'r', fill: UNTRACED.context }
      const work = (i: number) => async (): Promise<number> => {
        if (i % 2 === 0) throw new Error('a fault')
        return i
      }
      await inBatches((name, i) => flights.launch([name, `${name}?`], who, work(i)).landed)
      await anImmediate()
      return flights
    },
  },
  {
    places: ['cache/tier-walk.ts#walks', 'cache/tier-walk.ts#offered'],
    bound: UNDER_WAY,
    run: async () => {
      const turn = { isOurs: true, landed: Promise.resolve(null), end: () => {} }
      const dependencies = {
        tier: {
          isUsable: true,
          read: async (_: unknown, wanted: string | null) => ({
            found: null,
            turn: wanted === null ? null : turn,
          }),
        },
        sharing: { scopeOf: () => '' },
        standings: { isAccepted: () => true },
        clock,
        reporter: { walked: () => {} },
      } as unknown as TierWalkDependencies
      const walk = new TierWalk(dependencies)
      await inBatches((_, i) => walk.bring(requestOf(i), MISS))
      await anImmediate()
      return walk
    },
  },
  {
    places: ['cache/header-lists.ts#known'],
    bound: 256,
    run: () => {
      const lists = new HeaderLists()
      for (const name of names()) lists.shared([[name, 'a']])
      return lists
    },
  },
  {
    places: ['cache/last-rejects.ts#rejects'],
    bound: 1_000,
    run: () => {
      const rejects = new LastRejects()
      for (const name of names()) rejects.noted(name, 'status', { status: 500, sentAt: 0 }, 0)
      return rejects
    },
  },
  {
    places: ['cache/header-changes.ts#changes'],
    bound: 1_000,
    run: () => {
      const changes = new HeaderChanges()
      for (const name of names()) changes.noted(name, { names: ['etag'], at: 0 })
      return changes
    },
  },
  {
    places: ['cache/sharing.ts#tripped'],
    bound: 10_000,
    run: () => {
      const mode = new SharingMode('tenant', () => {})
      for (const name of names()) mode.trip(name, 0)
      return mode
    },
  },
  {
    places: ['cache/tenant-switch.ts#off', 'stores/shared-switches.ts#pending'],
    // A thousand are known to have been switched.
    bound: 1_000,
    run: async () => {
      const tenants = new TenantSwitch()
      const options = {
        commands: REFUSING,
        keys: { off: 'off', switchOf: () => 'f' },
        bus: { publish: async () => true },
        clock,
        sealingKeys: [Buffer.alloc(32)],
        tenants,
        observer: { switchesMissing: () => {}, switchesUnreadable: () => {} },
      }
      const shared = new SharedSwitches(options as unknown as SharedSwitchesOptions)
      // As many as operators would set, and all of them set back.
      for (const isOff of [true, false]) {
        for (const name of names().slice(0, 1_000)) {
          tenants.set(name, isOff)
          await shared.put(name, isOff)
        }
      }
      shared.close()
      return [tenants, shared]
    },
  },
  {
    places: ['stores/switch-register.ts#switches'],
    bound: 10_000,
    run: () => {
      const register = new SwitchRegister()
      for (const name of names()) register.set(name, false, 0)
      return register
    },
  },
  {
    places: ['cache/asked-views.ts#asked'],
    bound: UNDER_WAY,
    run: () => {
      const asked = new AskedViews()
      for (const name of names()) {
        asked.begin(name)
        asked.refused(name, 1)
        asked.end(name)
      }
      return asked
    },
  },
  {
    places: [
      'http/write-limit.ts#tenants',
      'http/write-limit.ts#doubts',
      'http/write-limit.ts#waiting',
    ],
    bound: 10_000,
    run: async () => {
      const limit = new WriteLimit(clock)
      await inBatches(async (name) => (await limit.begin(name)).end(true))
      return limit
    },
  },
  {
    places: ['http/held-memory.ts#byTenant'],
    bound: UNDER_WAY,
    run: () => {
      const memory = new HeldMemory(100)
      for (const tenant of names()) {
        const sender = { tenant, isAccepted: true }
        if (memory.take(10, sender)) memory.giveBack(10, sender)
      }
      return memory
    },
  },
  {
    places: ['http/lapsing-map.ts#entries'],
    bound: 1_000,
    run: async () => {
      const map = new LapsingMap<string>(clock, 1_000, 600_000)
      for (const name of names()) map.set(name, name)
      return map
    },
  },
  {
    places: ['http/encoding.ts#remembered'],
    bound: 256,
    run: async () => {
      const { chooseCoding } =
        await fresh<typeof import('../../src/http/encoding.ts')>('http/encoding.js')
      for (const name of names()) chooseCoding(name)
      return chooseCoding
    },
  },
  {
    places: ['upstream/headers.ts#knownNames'],
    bound: 256,
    run: async () => {
      const { endToEndHeaders } =
        await fresh<typeof import('../../src/upstream/headers.ts')>('upstream/headers.js')
      for (const name of names()) endToEndHeaders([name, 'a', name.padEnd(1_000, 'x'), 'a'])
      return endToEndHeaders
    },
  },
  {
    places: ['upstream/tenant-gate.ts#lanes'],
    bound: UNDER_WAY,
    run: async () => {
      const gate = new TenantGate(clock, 1)
      for (const [i, name] of names().entries()) {
        const isAccepted = i % 2 === 0
        gate.tryEnter(name, isAccepted)
        const late = gate.enter(name, { party: 'p', isAccepted }, 60_000)
        gate.leave(name, isAccepted)
        if ((await late) === 'in') gate.leave(name, isAccepted)
      }
      return gate
    },
  },
  {
    places: ['upstream/tenant-gate.ts#heldUntil'],
    bound: 10_000,
    run: () => {
      const gate = new TenantGate(clock, 1)
      for (const name of names()) gate.hold(name, 60_000)
      return gate
    },
  },
  {
    places: ['upstream/fair-queue.ts#parties'],
    bound: UNDER_WAY,
    run: () => {
      const queue = new FairQueue<number>()
      for (const [i, name] of names().entries()) {
        queue.add(name, i)
        if (i % 2 === 0) queue.delete(name, i)
        else queue.take()
      }
      return queue
    },
  },
  {
    places: [
      'stores/fair-map.ts#slots',
      'stores/fair-map.ts#keys',
      'stores/fair-map.ts#values',
      'stores/max-heap.ts#items',
      'stores/tenant-lists.ts#owners',
      'stores/tenant-lists.ts#sizes',
      'stores/tenant-lists.ts#lists',
      'stores/tenant-lists.ts#ends',
    ],
    // An entry and its tenant.
    bound: 2_000,
    run: () => {
      const map = new FairMap<string>(1_000)
      for (const name of names()) map.set(name, { value: name, size: 1, tenant: name }, 0)
      return map
    },
  },
  {
    places: ['stores/provisional-names.ts#uses'],
    bound: 10_000,
    run: () => {
      const provisional = new ProvisionalNames()
      for (const name of names()) provisional.made(name, 1)
      return provisional
    },
  },
  {
    places: ['stores/shared-fences.ts#kept'],
    bound: 10_000,
    run: () => {
      const options = {
        commands: AWAY,
        clock,
        table: {},
        owed: new OwedChanges(clock, (name) => name),
      }
      const shared = new SharedFences({
        ...options,
        keys: { slotOf: () => 's', fence: () => 'f' },
        bus: DEAF,
        fenceLifetimeMs: 1_000_000,
      } as unknown as SharedFencesOptions)
      const stamp = names().map((name) => [credentialFence(name), 'v'] as const)
      for (let i = 0; i < NAMES; i += 1_000) shared.keep(stamp.slice(i, i + 1_000))
      shared.delivery.close()
      return shared
    },
  },
  {
    places: ['stores/shared-pins.ts#noted', 'stores/repeated.ts#pending'],
    bound: 20_000,
    run: async () => {
      const options = { commands: AWAY, keys: { pin: () => 'k' }, bus: DEAF, fenceLifetimeMs: 1 }
      const pins = new SharedPins(options as unknown as SharedPinsOptions)
      await inBatches((name) => pins.note(name, '2019/02/08'))
      pins.close()
      return pins
    },
  },
  {
    places: ['stores/process-state.ts#noted'],
    bound: 10_000,
    run: () => {
      const siblings = { isInTouch: () => true, tell: async () => {}, onNews: () => {} }
      const memory = createMemoryStore({ maxBytes: 1_000 })
      const heard = { onPinChange: () => {}, onHeard: () => {} }
      const state = createProcessState({ siblings, clock, memory, maxFences: 1_000, ...heard })
      for (const name of names()) state.notePin(name, '2019/02/08', true)
      return state
    },
  },
  {
    places: ['stores/owed-changes.ts#pending', 'stores/owed-changes.ts#recent'],
    bound: 40_000,
    run: () => {
      const owed = new OwedChanges(clock, widenedFence)
      for (const name of names()) {
        const fence = subjectFence('7', 'customer', name)
        owed.changed([fence])
        owed.owe([fence])
      }
      return owed
    },
  },
  {
    places: ['stores/peer-invalidations.ts#peers'],
    // Some of what each has pending, and the marks of that, are counted too.
    bound: 5_000,
    run: () => {
      const table = new FenceTable(clock, new Lease(clock), 1_000)
      const peers = new PeerInvalidations({ clock, table, recordLifetimeMs: 1, ask: () => {} })
      for (const [i, name] of names().entries()) {
        peers.heard(name, [1, 1], { block: [name], isAll: true })
        if (i % 500 === 0) peers.takeOver(() => {})
      }
      return [peers, table]
    },
  },
  {
    places: ['stores/roll-call.ts#heardAt', 'stores/roll-call.ts#calls'],
    bound: 1_000,
    run: async () => {
      const rollCall = new BusRollCall({ clock, bus: DEAF })
      for (const name of names()) rollCall.heard(name)
      await Promise.all(
        names()
          .slice(0, 1_000)
          .map(() => rollCall.call()),
      )
      return rollCall
    },
  },
  {
    places: ['stores/bus.ts#numbers'],
    bound: 1_000,
    run: () => {
      const subscriber = Object.assign(new EventEmitter(), { disconnect: () => {}, status: 'end' })
      const keys = { channel: 'c', fingerprint: 'f' }
      const sealingKeys = [Buffer.alloc(32, 1)]
      const heard = {
        onMessage: () => {},
        onHeard: () => {},
        onChange: () => {},
        onProbe: () => {},
      }
      const lease = new Lease(clock)
      const options = { subscriber, keys, sealingKeys, lease, clock, commands: AWAY, ...heard }
      const trust = { isAgreed: () => true, disagreed: () => {} }
      const bus = new Bus({ ...options, trust, state: () => ({}) } as unknown as BusOptions)
      const [key] = sealingKeys as [Buffer]
      // Each is sealed, and opened again: a tenth of them will do.
      for (const sender of names().slice(0, NAMES / 10)) {
        const envelope = { sender, number: 1, names: 'f', sealedAt: clock.wall() }
        subscriber.emit('messageBuffer', null, sealEnvelope(envelope, key, 'c'))
      }
      return bus
    },
  },
  {
    places: ['stores/turns.ts#held', 'stores/turns.ts#waiting', 'stores/turns.ts#ended'],
    bound: UNDER_WAY,
    run: async () => {
      const keys = { turn: (_: string, key: string) => key }
      const options = { commands: REFUSING, keys, clock, bus: DEAF }
      const turns = new Turns(options as unknown as TurnsOptions)
      await inBatches((name, i) => {
        turns.answered(turns.ask('7', name), i % 2 === 0).end()
        return anImmediate()
      })
      return turns
    },
  },
  {
    places: ['stores/credential-reads.ts#underWay'],
    bound: UNDER_WAY,
    run: async () => {
      const table = { beginReading: () => ({}), endReading: () => true } as unknown as FenceTable
      const keys = { fence: () => 'f', pin: () => 'p' }
      const options = { commands: AWAY, table, clock, keys }
      const reads = new CredentialReads(
        options as unknown as ConstructorParameters<typeof CredentialReads>[0],
      )
      await inBatches((name) => reads.read(name, 1))
      return reads
    },
  },
  {
    places: ['ops/access-log.ts#redisFaults'],
    bound: 100,
    run: () => {
      const silent = { warn: () => {}, info: () => {}, error: () => {} } as unknown as Logger
      const log = new AccessLog(silent, 1)
      for (const name of names()) log.redisFailed(name)
      return log
    },
  },
  {
    places: ['ops/tenant-traffic.ts#entries', 'ops/tenant-traffic.ts#lightest'],
    bound: 256,
    run: () => {
      const traffic = new TenantTraffic()
      for (const tenant of names()) traffic.finished(reportOf({ tenant }))
      return traffic
    },
  },
  {
    places: ['ops/history.ts#points'],
    bound: 0,
    run: () => {
      const history = new History()
      const snapshot = emptySnapshot()
      for (let i = 0; i < NAMES / 10; i++) history.add({ ...snapshot, monotonicMs: i * 15_000 })
      const points = history.upTo({ ...snapshot, monotonicMs: NAMES * 15_000 })
      if (points.length !== 241) throw new Error('an hour and what is since then')
      return history
    },
  },
  {
    places: ['ops/recent-problems.ts#byCode'],
    bound: 2,
    run: () => {
      const problems = new RecentProblems(clock)
      for (const requestId of names()) {
        problems.finished(
          reportOf({ requestId, problem: 'not_found', status: 404, tenant: requestId }),
        )
        problems.finished(reportOf({ requestId, method: requestId, status: 502 }))
      }
      if (problems.list().length !== 11) throw new Error('ten of each code are kept')
      const [one] = problems.list().filter(({ code }) => code === 'not_found')
      if (one?.tenants.length !== 4) throw new Error('four tenants are kept')
      return problems
    },
  },
  {
    places: ['ops/request-metrics.ts#combinations', 'ops/instruments.ts#series'],
    // A status has three digits.
    bound: 1_500,
    run: () => {
      const metrics = new RequestMetrics(new Registry(), clock)
      for (let i = 0; i < NAMES; i++) metrics.finished(reportOf({ status: 200 + (i % 400) }))
      return metrics
    },
  },
  {
    places: ['ops/merged-metrics.ts#last'],
    bound: UNDER_WAY,
    run: async () => {
      const merged = new MergedMetrics()
      // Each takes a run of prom-client's.
      for (let id = 0; id < 1_000; id++) {
        merged.learn(id, [])
        await merged.depart(id)
      }
      return merged
    },
  },
  {
    places: ['processes/overview.ts#settings'],
    bound: 1_000,
    run: async () => {
      const workers = { listening: [1], ask: async () => ({ status: 202, headers: [], body: '' }) }
      const overview = new Overview(workers as ConstructorParameters<typeof Overview>[0], clock)
      for (const name of names()) {
        const url = `/admin/tenants/${name}`
        await overview.carry({ method: 'PUT', url, headers: [], body: '' } as unknown as Parameters<
          Overview['carry']
        >[0])
      }
      return overview
    },
  },
  {
    places: ['processes/relay.ts#pending', 'processes/relay.ts#open', 'processes/relay.ts#members'],
    bound: 20_002,
    run: () => {
      const time = new FakeClock()
      const relay = new Relay({ clock: time, afterReading: () => {}, onSilent: () => {} })
      relay.join(1, () => {})
      for (const [n, id] of names().entries()) {
        const news = { kind: 'begun', id, names: [id], lifetimeMs: 60_000 } as const
        relay.receive(1, { kind: 'tell', n, news })
      }
      return relay
    },
  },
  {
    places: ['processes/link.ts#waits'],
    bound: UNDER_WAY,
    run: async () => {
      const time = new FakeClock()
      const link = new PrimaryLink({ clock: time, send: (_, written) => written() })
      const told = names().map((id) => link.tell({ kind: 'changed', names: [id] }))
      time.advance(2_500)
      link.tick()
      await Promise.all(told)
      return link
    },
  },
]

for (const { places, bound, run } of CASES) {
  t.test(`${places.join(', ')}: at most ${bound} of 100,000 names are kept`, async (t) => {
    const { total, largest } = await track(run)
    t.ok(total <= bound + SLACK, `${total} entries, ${largest} of them in one collection`)
  })
}

t.test('each collection of the page that is held here has a case', async (t) => {
  const held = KEPT_STATE.filter(({ test }) => test === BOUNDED_STATE).flatMap(
    ({ places }) => places,
  )
  t.strictSame(held.toSorted(), CASES.flatMap(({ places }) => places).toSorted())
})

t.test('when too many tenants have tripped, none shares plainly for as long', async (t) => {
  const mode = new SharingMode('tenant', () => {})
  for (const name of names().slice(0, 10_001)) mode.trip(name, 0)
  t.equal(mode.of('another', 3_599_999), 'witnessed')
  t.equal(mode.of('another', 3_600_000), 'tenant')
  mode.trip('late', 3_600_000)
  t.equal(mode.trippedCount, 1, 'those that have lapsed are gone')
})

t.test('a process that starts among too many writes holds all of them up', async (t) => {
  const time = new FakeClock()
  const relay = new Relay({ clock: time, afterReading: () => {}, onSilent: () => {} })
  relay.join(1, () => {})
  for (const [n, id] of names().slice(0, 20_001).entries()) {
    const news = { kind: 'begun', id, names: [id], lifetimeMs: 60_000 } as const
    relay.receive(1, { kind: 'tell', n, news })
  }
  const told: unknown[] = []
  relay.join(2, (message) => told.push(message))
  t.equal(told.length, 20_001)
  t.match(told.at(-1), { news: { kind: 'begun', names: [''] } })
  time.advance(60_000)
  relay.tick()
  const later: unknown[] = []
  relay.join(3, (message) => later.push(message))
  t.equal(later.length, 0)
})

t.test('a refresh that is a fault of our own is tried again after a pause', async (t) => {
  const time = new FakeClock()
  const refreshes = new Refreshes(new Backoff(time, () => 1))
  const fault = async (): Promise<never> => Promise.reject(new Error('a fault'))
  await t.rejects(refreshes.run('view', fault, () => false))
  t.equal(
    await refreshes.run(
      'view',
      async () => 1,
      () => false,
    ),
    null,
    'too early',
  )
  time.advance(1_000)
  t.equal(
    await refreshes.run(
      'view',
      async () => 1,
      () => false,
    ),
    1,
  )
})
