/** Contract table 8.3, row by row: which fences a write changes, from what is known and what comes back. */
import t from 'tap'
import {
  Invalidator,
  type InvalidatorDependencies,
  type WriteOutcome,
} from '../../../src/cache/invalidation.ts'
import {
  familyFence,
  kinFence,
  lineageKey,
  subjectFence,
  tenantFence,
} from '../../../src/cache/key.ts'
import { matchWrite, type WriteMatch } from '../../../src/contract/routes.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { LocalFences } from '../../../src/stores/local-fences.ts'
import { createMemoryStore } from '../../../src/stores/memory-store.ts'

const T = '7'
const own = (id: string): string => subjectFence(T, 'customer', id)
const family = (id: string): string => familyFence(T, 'customer', id)
const kin = kinFence(T)
const tenant = tenantFence(T)

interface Case {
  readonly name: string
  readonly request: readonly [method: string, path: string]
  /** Last known parent of customer 5; undefined: never seen. */
  readonly known?: string | null
  readonly outcome?: Partial<WriteOutcome>
  readonly pending: readonly string[]
  readonly also: readonly string[]
}

const PATCH = ['PATCH', '/customers/5'] as const
const CREATE = ['POST', '/locations/3/customers'] as const

const CASES: readonly Case[] = [
  {
    name: 'W1, parent known and unchanged',
    request: PATCH,
    known: '4',
    outcome: { requestBody: '{"name": "x"}', responseBody: '{"parent_id": 4}' },
    pending: [own('5'), family('5'), kin, own('4')],
    also: [own('4')],
  },
  {
    name: 'W1, moved from a known parent to another',
    request: PATCH,
    known: '4',
    outcome: { requestBody: '{"parent_id": 6}', responseBody: '{"parent_id": 6}' },
    pending: [own('5'), family('5'), kin, own('4')],
    also: [own('4'), own('6')],
  },
  {
    name: 'W1, moved from an unknown parent: the tenant',
    request: PATCH,
    outcome: { requestBody: '{"parent_id": 6}', responseBody: '{"parent_id": 6}' },
    pending: [own('5'), family('5'), kin],
    also: [tenant],
  },
  {
    name: 'W1, parent unknown and not touched: the answer names it',
    request: PATCH,
    outcome: { requestBody: '{"name": "x"}', responseBody: '{"parent_id": 9007199254740993}' },
    pending: [own('5'), family('5'), kin],
    also: [own('9007199254740993')],
  },
  {
    name: 'W1, known to have no parent',
    request: PATCH,
    known: null,
    outcome: { requestBody: '{"name": "x"}', responseBody: '{"parent_id": null}' },
    pending: [own('5'), family('5'), kin],
    also: [],
  },
  {
    name: 'W1, no outcome and nothing known: the tenant',
    request: PATCH,
    outcome: { status: null, requestBody: '{"name": "x"}' },
    pending: [own('5'), family('5'), kin],
    also: [tenant],
  },
  {
    name: 'W1, bodies not readable: the tenant',
    request: PATCH,
    known: '4',
    outcome: { requestBody: null, responseBody: null },
    pending: [own('5'), family('5'), kin, own('4')],
    also: [tenant],
  },
  {
    name: 'W1, a parent that is no id: the tenant',
    request: PATCH,
    known: '4',
    outcome: { requestBody: '{"parent_id": "x"}', responseBody: '{}' },
    pending: [own('5'), family('5'), kin, own('4')],
    also: [tenant],
  },
  {
    name: 'W1, a request that is no JSON object to us: the tenant',
    request: PATCH,
    known: '4',
    outcome: { requestBody: '{"parent_id": 6,}', responseBody: '{}' },
    pending: [own('5'), family('5'), kin, own('4')],
    also: [tenant],
  },
  {
    name: 'W1, an answer that is no JSON object to us: the tenant',
    request: PATCH,
    known: '4',
    outcome: { requestBody: '{"name": "x"}', responseBody: '{"parent_id": 6' },
    pending: [own('5'), family('5'), kin, own('4')],
    also: [tenant],
  },
  {
    name: 'W1, a failure that is told in HTML: what the request names',
    request: PATCH,
    known: '4',
    outcome: { status: 409, requestBody: '{"parent_id": 6}', responseBody: '<html>' },
    pending: [own('5'), family('5'), kin, own('4')],
    also: [own('4'), own('6')],
  },
  {
    name: 'W1, an answer without content: what the request names',
    request: PATCH,
    known: '4',
    outcome: { status: 204, requestBody: '{"parent_id": 6}', responseBody: '' },
    pending: [own('5'), family('5'), kin, own('4')],
    also: [own('4'), own('6')],
  },
  {
    name: 'W2, an address',
    request: ['POST', '/customers/5/addresses/'],
    known: '4',
    pending: [own('5'), family('5'), kin],
    also: [],
  },
  {
    name: 'W5, a contact: children do not show it',
    request: ['POST', '/customers/5/contacts'],
    known: '4',
    pending: [own('5')],
    also: [],
  },
  {
    name: 'W9, a location',
    request: ['DELETE', '/customers/5/locations/3'],
    pending: [own('5')],
    also: [],
  },
  {
    name: 'W10, the answer names the new customer',
    request: CREATE,
    outcome: {
      requestBody: '{"parent_id": 6}',
      responseBody: '{"customer_id": 8, "parent_id": 6}',
    },
    pending: [],
    also: [own('8'), family('8'), kin, own('6'), family('6'), kin],
  },
  {
    name: 'W10, from 2021/04/07 on the customer is called id',
    request: CREATE,
    outcome: { requestBody: '{}', responseBody: '{"id": 8, "parent_id": null}' },
    pending: [],
    also: [own('8'), family('8'), kin],
  },
  {
    name: 'W10, no outcome: the tenant',
    request: CREATE,
    outcome: { status: null },
    pending: [],
    also: [tenant],
  },
  {
    name: 'an operation nobody has documented, on a spelling of 5',
    request: ['PUT', '/Customers/005/anything'],
    known: null,
    outcome: { requestBody: '{}', responseBody: '{}' },
    pending: [own('5'), family('5'), kin],
    also: [],
  },
  {
    name: 'an unsafe method that names no customer',
    request: ['POST', '/customers'],
    pending: [tenant],
    also: [],
  },
  {
    name: 'a customer that can not be read as an id',
    request: ['PATCH', '/customers/x5/contacts/1'],
    pending: [tenant],
    also: [],
  },
]

for (const { name, request, known, outcome, pending, also } of CASES) {
  t.test(name, async (t) => {
    const memory = createMemoryStore({ maxBytes: 100_000 })
    if (known !== undefined)
      memory.set(
        lineageKey(T, 'customer', '5'),
        { kind: 'lineage', parent: known, stamp: [['s', '1']] },
        T,
      )
    const calls: unknown[][] = []
    const invalidator = new Invalidator({
      memory,
      writeDeadlineMs: 1_000,
      fences: recording(calls),
    })
    const match = matchWrite(...request)
    if (match === null) throw new Error('not below a cached resource')
    const announced = await invalidator.announce(T, match, true)
    t.strictSame(calls, [['begin', ...pending]])
    const result = { isSent: true, status: 200, requestBody: null, responseBody: null, ...outcome }
    await invalidator.settle(announced, result)
    const [what, holdMs, ...names] = calls[1] ?? []
    t.strictSame([what, holdMs], ['settle', result.status === null ? 1_000 : 0])
    const isCreation = match.row.drops.includes('created')
    t.strictSame(new Set(names), new Set(isCreation ? also : [...pending, ...also]))
  })
}

/** Fences that have the value `1` and never change. */
function recording(calls: unknown[][]): InvalidatorDependencies['fences'] {
  return {
    holds: () => true,
    sight: (name) => ({ name, value: null, isPending: false, mark: null }),
    open: async (names) => ({ stamp: names.map((name) => [name, '1']), pending: false, kin: null }),
    begin: async (names) => {
      calls.push(['begin', ...names])
      return { id: 'w', names }
    },
    settle: async (_write, names, holdMs) => void calls.push(['settle', holdMs, ...names]),
    restore: async ({ names }) => void calls.push(['restore', ...names]),
    change: async () => true,
    mark: async () => true,
  }
}

const REJECTIONS = [400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 429, 431]

t.test('a definite rejection, or a write that was not sent, changes nothing', async (t) => {
  for (const status of [...REJECTIONS, null, 200, 202, 304, 402, 408, 409, 410, 423, 500, 503]) {
    const calls: unknown[][] = []
    const invalidator = new Invalidator({
      memory: createMemoryStore({ maxBytes: 100_000 }),
      writeDeadlineMs: 1_000,
      fences: recording(calls),
    })
    const match = matchWrite(...PATCH) as WriteMatch
    const announced = await invalidator.announce(T, match, true)
    const result = { isSent: status !== null, status, requestBody: null, responseBody: null }
    const isChange = await invalidator.settle(announced, result)
    const isRejection = status === null || REJECTIONS.includes(status)
    t.equal(isChange, !isRejection, String(status))
    t.strictSame(calls[1]?.[0], isRejection ? 'restore' : 'settle', String(status))
    if (!isRejection) t.equal(calls[1]?.[1], (status ?? 0) >= 500 ? 1_000 : 0, String(status))
  }
})

t.test(
  'a credential that was never accepted makes the record of its path pending, and no more',
  async (t) => {
    for (const [request, pending, changed] of [
      [PATCH, [own('5')], [own('5'), family('5'), kin]],
      [['PATCH', '/customers/x5/contacts/1'], [], [tenant]],
      [CREATE, [], [tenant]],
    ] as const) {
      const calls: unknown[][] = []
      const invalidator = new Invalidator({
        memory: createMemoryStore({ maxBytes: 100_000 }),
        writeDeadlineMs: 1_000,
        fences: recording(calls),
      })
      const match = matchWrite(request[0], request[1]) as WriteMatch
      const announced = await invalidator.announce(T, match, false)
      t.strictSame(calls[0], ['begin', ...pending], request[1])
      const unknown = { isSent: true, status: null, requestBody: null, responseBody: null }
      await invalidator.settle(announced, unknown)
      for (const name of changed) t.ok(calls[1]?.includes(name), `${request[1]}: ${name}`)
    }
  },
)

t.test(
  'a parent that was seen before somebody else changed the record is not believed',
  async (t) => {
    const memory = createMemoryStore({ maxBytes: 100_000 })
    memory.set(
      lineageKey(T, 'customer', '5'),
      { kind: 'lineage', parent: '9', stamp: [['s', '1']] },
      T,
    )
    const begun: unknown[][] = []
    const invalidator = new Invalidator({
      memory,
      writeDeadlineMs: 1_000,
      fences: { ...recording(begun), holds: () => false },
    })
    const match = matchWrite('PATCH', '/customers/5')
    if (match === null) throw new Error('not below a cached resource')
    const announced = await invalidator.announce(T, match, true)
    t.equal(announced.lineage, undefined)
    t.strictSame(begun, [['begin', own('5'), family('5'), kin]])
  },
)

t.test(
  'of two moves at once, the later to settle drops the parent that the other gave',
  async (t) => {
    const fences = new LocalFences({ clock: systemClock, maxFences: 100 })
    const memory = createMemoryStore({ maxBytes: 100_000 })
    const invalidator = new Invalidator({ memory, writeDeadlineMs: 60_000, fences })
    const { stamp } = await fences.open([own('5')], null)
    memory.set(lineageKey(T, 'customer', '5'), { kind: 'lineage', parent: '1', stamp }, T)
    const match = matchWrite(...PATCH) as WriteMatch
    const movedTo = (parent: number): WriteOutcome => {
      const body = JSON.stringify({ parent_id: parent })
      return { isSent: true, status: 200, requestBody: body, responseBody: body }
    }
    // 1. A, to 2, is announced, and takes its time. 2. B, to 3, is answered. 3. Parent 3 is read. 4. A is answered.
    const a = await invalidator.announce(T, match, true)
    await invalidator.settle(await invalidator.announce(T, match, true), movedTo(3))
    const third = await fences.open([tenant, own('3')], null)
    t.equal(fences.holds(third.stamp), true)
    await invalidator.settle(a, movedTo(2))
    t.equal(fences.holds(third.stamp), false)
  },
)
