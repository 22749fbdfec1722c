/**
 * A fill that began before a write ended is never stored nor handed to a read that began after it
 * (reliability C4). Reads and writes run through the real cache in orders that fast-check chooses: when
 * the upstream renders, when its answer arrives, when a write is applied, when its outcome is known.
 */

import fc from 'fast-check'
import t from 'tap'
import { buildCore, type Core, type Overrides } from '../../../src/app.ts'
import { NO_DIRECTIVES } from '../../../src/cache/cache-control.ts'
import type { FenceStore, OpenFence } from '../../../src/cache/fence.ts'
import type { UpstreamAnswer } from '../../../src/cache/ports.ts'
import { UNTIMED } from '../../../src/cache/read-times.ts'
import { readRequest } from '../../../src/cache/request.ts'
import type { Served } from '../../../src/cache/served.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { matchRead, matchWrite, type RouteMatch } from '../../../src/contract/routes.ts'
import { UNTRACED } from '../../../src/lib/tracer.ts'
import { Reporting } from '../../../src/ops/reporting.ts'
import { LocalFences } from '../../../src/stores/local-fences.ts'
import { FakeClock } from '../../helpers/clock.ts'
import { pinnedTo, plainCredential } from '../../helpers/credential.ts'
import { fencesLike } from '../../helpers/fences.ts'
import { untracked } from '../../helpers/untracked.ts'

const RUNS = Number(process.env['FENCE_RUNS'] ?? 10_000)
const VERSION = '2019/02/08'
/** Above that of the configuration, and below every lifetime. */
const WRITE_DEADLINE_MS = 60_000

const found = matchRead('/customers/1')
const match = (found as Extract<typeof found, { kind: 'cached' }>).match
const child = matchRead('/customers/2')
const childMatch = (child as Extract<typeof child, { kind: 'cached' }>).match

const config = parseConfig({
  upstream: { url: 'http://upstream.invalid' },
  secret: 'a secret for tests only, 32 long and more',
  // Small, since it is built anew for each run.
  cache: { ttlJitter: 0, maxBodyBytes: 1_024, memory: { maxBytes: 65_536 } },
})

type Command =
  | { readonly kind: 'read'; readonly who: string; readonly child: boolean }
  | { readonly kind: 'write'; readonly fate: Fate; readonly isAccepted: boolean }

/**
 * `lost`: applied, but its outcome never comes back. `refused`, `unsent`: neither applied nor in doubt. `died`:
 * applied, and its process is gone before it could be settled.
 */
type Fate = 'ok' | 'lost' | 'refused' | 'unsent' | 'died'
const FATES: readonly Fate[] = ['ok', 'lost', 'refused', 'unsent', 'died']

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      arbitrary: fc.record({
        kind: fc.constant('read' as const),
        who: fc.constantFrom('a', 'b'),
        child: fc.boolean(),
      }),
      weight: 3,
    },
    {
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        fate: fc.constantFrom(...FATES),
        isAccepted: fc.boolean(),
      }),
      weight: 1,
    },
  ),
  { minLength: 2, maxLength: 12 },
)

/** One world: a register upstream that customer 1 shows, and its child, customer 2, shows as well. */
class World {
  readonly #core: Core
  readonly #scheduler: fc.Scheduler
  /** The value upstream, and the greatest that a finished write has set. */
  #register = 0
  #confirmed = 0
  /** The greatest that one has set which was answered, or whose process has died. */
  #outlived = 0
  #writes = 0
  readonly violations: string[] = []
  readonly #clock = new FakeClock()

  constructor(scheduler: fc.Scheduler, overrides: (clock: FakeClock) => Overrides) {
    this.#scheduler = scheduler
    const more = overrides(this.#clock)
    this.#core = buildCore(
      config,
      { clock: this.#clock, random: () => 0.5, ...more },
      new Reporting(),
    )
  }

  async run(command: Command): Promise<void> {
    if (command.kind === 'write') await this.#write(command)
    else await this.read(command.who, command.child ? childMatch : match)
  }

  async read(who: string, of: RouteMatch): Promise<void> {
    const floor = this.#confirmed
    const request = readRequest({
      match: of,
      tenant: '7',
      version: VERSION,
      credential: plainCredential(who),
      directives: NO_DIRECTIVES,
      pins: pinnedTo(VERSION),
    })
    const fetch = (): Promise<UpstreamAnswer> => this.#fetch(of)
    const served = await this.#core.cache.read(request, {
      fetch,
      deadline: Infinity,
      mayJoin: true,
      span: UNTRACED,
      times: UNTIMED,
      requestId: 'r',
    })
    const value = shownBy(served)
    if (value < floor) {
      this.violations.push(
        `${who} read ${value} (${served.outcome.kind}) after ${floor} was confirmed`,
      )
    }
  }

  async #fetch(of: RouteMatch): Promise<UpstreamAnswer> {
    const sentAt = this.#clock.monotonic()
    this.#clock.advance(1)
    await this.#scheduler.schedule(Promise.resolve(), 'upstream renders')
    const parent = of === match ? null : 1
    const body = Buffer.from(`{"value": ${this.#register}, "parent_id": ${parent}}`)
    await this.#scheduler.schedule(Promise.resolve(), 'answer arrives')
    const headers = [
      ['content-type', 'application/json'],
      ['x-api-version', VERSION],
    ] as const
    return { kind: 'buffered', status: 200, reason: 'OK', headers, body, sentAt }
  }

  /** What was never settled has run out: from now on it counts as any other write. */
  outlive(): void {
    this.#clock.advance(WRITE_DEADLINE_MS)
    this.#confirmed = this.#outlived
  }

  async #write({ fate, isAccepted }: Command & { kind: 'write' }): Promise<void> {
    const row = matchWrite('PATCH', '/customers/1')
    if (row === null) throw new Error('no such write')
    const value = ++this.#writes
    const { invalidator } = this.#core
    const announced = await invalidator.announce('7', row, isAccepted)
    await this.#scheduler.schedule(Promise.resolve(), 'write is applied')
    const isApplied = fate !== 'refused' && fate !== 'unsent'
    // Of one that was never accepted, only the record itself is safe should the process die.
    if (isApplied && (fate !== 'died' || isAccepted)) {
      this.#register = Math.max(this.#register, value)
    }
    const applied = this.#register
    await this.#scheduler.schedule(Promise.resolve(), 'outcome is known')
    if (isApplied) this.#outlived = Math.max(this.#outlived, applied)
    if (fate === 'died') return
    const status = { ok: 200, lost: null, refused: 403, unsent: null }[fate]
    const responseBody = status === 200 ? '{"parent_id": null}' : null
    const isSent = fate !== 'unsent'
    const outcome = { isSent, status, requestBody: '{"name": "x"}', responseBody }
    await invalidator.settle(announced, outcome)
    if (isApplied) this.#confirmed = Math.max(this.#confirmed, applied)
  }
}

function shownBy(served: Served): number {
  if (served.kind === 'failure') throw new Error('the upstream never fails here')
  const body = served.kind === 'representation' ? served.representation.body : bodyOf(served)
  return (JSON.parse(body.toString()) as { value: number }).value
}

function bodyOf(served: Extract<Served, { kind: 'answer' }>): Buffer {
  if (served.answer.kind === 'streamed') throw new Error('nothing is streamed here')
  return served.answer.body
}

async function play(
  plan: readonly Command[],
  scheduler: fc.Scheduler,
  overrides: (clock: FakeClock) => Overrides,
): Promise<string[]> {
  const world = new World(scheduler, overrides)
  const running = plan.map((command) =>
    scheduler.schedule(Promise.resolve(), command.kind).then(() => world.run(command)),
  )
  await scheduler.waitFor(Promise.all(running))
  // Whatever was stored shows itself now.
  world.outlive()
  const after = [match, childMatch].flatMap((of) => ['a', 'b'].map((who) => world.read(who, of)))
  await scheduler.waitFor(Promise.all(after))
  return world.violations
}

/** Fences of which one promise is not kept. */
function mutant(replaced: (sound: FenceStore) => Partial<FenceStore>) {
  return (clock: FakeClock): Overrides => {
    const sound = new LocalFences({ clock, maxFences: 100 })
    return { fences: fencesLike(() => sound, replaced) }
  }
}

const MUTANTS: Readonly<Record<string, (clock: FakeClock) => Overrides>> = {
  'the fence is not compared at a look-up and at the end of a fill': mutant(() => ({
    holds: () => true,
    extend: async (open: OpenFence) => open.stamp,
  })),
  'a read joins a fill from before a write': mutant(() => ({ peek: () => 'always the same' })),
  'the fence of the parent is not compared': mutant((sound) => ({
    extend: async (open) => ((await sound.extend(open, [])) === null ? null : open.stamp),
  })),
  'the outcome of a write does not change the fence': mutant((sound) => ({
    settle: (write) => sound.restore(write),
  })),
  'a write without an outcome is taken for a rejected one': mutant((sound) => ({
    settle: (write, also, holdMs) =>
      holdMs > 0 ? sound.restore(write) : sound.settle(write, also, holdMs),
  })),
  'a write that is never settled is never noticed': mutant(() => ({
    begin: async (names) => ({ id: 'w', names }),
  })),
  'a rejected write ends the wait for all others': (clock) => {
    const sound = new LocalFences({ clock, maxFences: 100 })
    const begin: FenceStore['begin'] = (names, ms) => sound.begin(names, ms, 'the same')
    return {
      fences: fencesLike(
        () => sound,
        () => ({ begin }),
      ),
    }
  },
}

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

t.test(
  `no read is older than a write confirmed before it began, in ${RUNS} schedules`,
  async (t) => {
    t.comment(`seed ${seed}`)
    await untracked(t)
    await fc.assert(
      fc.asyncProperty(commands, fc.scheduler(), async (plan, scheduler) => {
        const violations = await play(plan, scheduler, () => ({}))
        if (violations.length > 0) throw new Error(violations.join('; '))
      }),
      { numRuns: RUNS, seed },
    )
  },
)

for (const [name, overrides] of Object.entries(MUTANTS)) {
  t.test(`the schedules catch a mutant in which ${name}`, async (t) => {
    await untracked(t)
    const result = await fc.check(
      fc.asyncProperty(commands, fc.scheduler(), async (plan, scheduler) => {
        return (await play(plan, scheduler, overrides)).length === 0
      }),
      { numRuns: RUNS, seed, endOnFailure: true },
    )
    t.equal(result.failed, true)
    t.comment(`caught after ${result.numRuns} runs`)
  })
}
