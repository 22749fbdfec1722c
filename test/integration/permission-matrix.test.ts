/**
 * The product's first promise, end to end: 10 tenants, 20 tokens of 7 roles, 50 customers, reads in random
 * order with writes, unseen writes, role changes and time passing in between. Every answer must be, byte for
 * byte, one that the upstream itself gave that very credential for that customer within the grant lifetime,
 * and no older than a write that was confirmed before the read began. `MATRIX_READS` sets how many; 200,000 for a
 * release.
 */
import { createHash } from 'node:crypto'
import t from 'tap'
import { seededRandom } from '../../demo/data.ts'
import type { Role } from '../../demo/roles.ts'
import { createLogger } from '../../src/lib/logger.ts'
import { buildTestApp, type Reply } from '../helpers/app.ts'
import { bearer, rawHeader, startSample, tokenOf } from '../helpers/sample.ts'
import { untracked } from '../helpers/untracked.ts'

const READS = Number(process.env['MATRIX_READS'] ?? 100_000)
const BATCH = 1_000
const GRANT_TTL_MS = 900_000
const TENANTS = Array.from({ length: 10 }, (_, i) =>
  // Two that are one number to JavaScript.
  i < 2 ? String(9007199254740992n + BigInt(i)) : String(i),
)
const ROLES: Role[] = [
  'Admin',
  'ClientCustomer',
  'CrmUser',
  'Dispatcher',
  'Driver',
  'ThirdPartyDispatcher',
  'ThirdPartyDriver',
]
const TOKENS = 20
const CUSTOMERS = 50
const VERSION = '2023/04/19'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const random = seededRandom(`matrix/${seed}`)
const pick = (n: number): number => Math.floor(random() * n)
/** Some are read far more often than others, as in life. */
const pickSkewed = (n: number): number => Math.floor(random() ** 2.5 * n)
const hashOf = (body: string | Buffer): string => createHash('sha256').update(body).digest('base64')

t.test(
  `${READS} reads of a random permission matrix show nobody anything foreign or old`,
  async (t) => {
    t.comment(`seed ${seed}`)
    await untracked(t)
    const upstream = await startSample(t, { customersPerTenant: CUSTOMERS, seed })
    const { state } = upstream
    for (let i = 0; i < TOKENS; i++) {
      const roles = TENANTS.filter((_, n) => (i + n) % 4 !== 0).map((tenant, n) => [
        tenant,
        ROLES[(i + n) % 7],
      ])
      state.addToken(tokenOf(`user-${i}`, Object.fromEntries(roles) as Record<string, Role>))
    }
    state.addToken(
      tokenOf('boss', Object.fromEntries(TENANTS.map((tenant) => [tenant, 'Dispatcher' as const]))),
    )
    const app = await buildTestApp(t, upstream.url, {}, { log: createLogger('silent') })

    /** Credential, tenant, path → body hash → when it was last given. */
    const given = new Map<string, Map<string, number>>()
    upstream.onAnswer(({ request, body }) => {
      if (request.method !== 'GET') return
      const who = rawHeader(request.rawHeaders, 'authorization')
      const tenant = rawHeader(request.rawHeaders, 'x-tenant-id')
      const key = `${who} ${tenant} ${request.path.replace(/\/$/, '')}`
      const bodies = given.get(key) ?? new Map<string, number>()
      given.set(key, bodies.set(hashOf(body), app.clock.monotonic()))
    })
    /** Tenant and customer → the version that every read must have reached. */
    const floors = new Map<string, number>()
    const changed: { tenant: string; customer: string; version: number }[] = []
    state.onChange((change) => changed.push(change))

    const counts = { reads: 0, hits: 0, foreign: 0, old: 0, writes: 0, refused: 0 }
    const read = async (): Promise<void> => {
      const tenant = TENANTS[pickSkewed(TENANTS.length)] as string
      const customer = String(1 + pickSkewed(CUSTOMERS))
      const authorization = bearer(`user-${pickSkewed(TOKENS)}`)
      const path = `/customers/${customer}${random() < 0.5 ? '/' : ''}`
      const floor = floors.get(`${tenant}/${customer}`) ?? 0
      const version = random() < 0.9 ? VERSION : undefined
      const reply = await app.get(path, {
        headers: { authorization, 'x-tenant-id': tenant, 'x-api-version': version },
      })
      judge(reply, { tenant, customer, authorization, floor })
    }
    const judge = (
      reply: Reply,
      asked: { tenant: string; customer: string; authorization: string; floor: number },
    ): void => {
      counts.reads++
      if (/ hit/.test(String(reply.headers['cache-status']))) counts.hits++
      if (reply.status !== 200) counts.refused++
      const bodies = given.get(
        `${asked.authorization} ${asked.tenant} /customers/${asked.customer}`,
      )
      const at = bodies?.get(hashOf(reply.body))
      if (at === undefined || app.clock.monotonic() - at > GRANT_TTL_MS) counts.foreign++
      const shown =
        reply.status === 200 ? state.versionOf(asked.tenant, asked.customer, reply.body) : undefined
      if (shown !== undefined && shown < asked.floor) counts.old++
    }
    const write = async (tenant: string): Promise<void> => {
      const before = changed.length
      const path = `/customers/${1 + pick(CUSTOMERS)}`
      const [method, below, body] =
        random() < 0.5
          ? (['PATCH', '', { name: `Renamed ${counts.writes}` }] as const)
          : ([
              'POST',
              '/contacts',
              { name: `Contact ${counts.writes}`, email: 'c@example.com' },
            ] as const)
      const reply = await app.get(path + below, {
        method,
        headers: {
          authorization: bearer('boss'),
          'x-tenant-id': tenant,
          'x-api-version': VERSION,
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
      })
      if (reply.status !== 200) throw new Error(`a write was answered with ${reply.status}`)
      counts.writes++
      for (const change of changed.slice(before)) {
        if (change.tenant !== tenant) continue
        floors.set(`${tenant}/${change.customer}`, change.version)
      }
    }
    const upset = (): void => {
      app.clock.advance([0, 1_500, 30_000, 120_000, 301_000][pick(5)] as number)
      const tenant = TENANTS[pick(TENANTS.length)] as string
      const token = `user-${pick(TOKENS)}.token`
      if (random() < 0.5) state.setRole(token, tenant, random() < 0.1 ? undefined : ROLES[pick(7)])
      if (random() < 0.3) {
        state.write({
          tenant,
          method: 'PATCH',
          path: `/customers/${1 + pick(CUSTOMERS)}`,
          body: { name: 'Unseen' },
        })
      }
      changed.length = 0
    }
    while (counts.reads < READS) {
      upset()
      const work: Promise<void>[] = []
      const writing = new Set<string>()
      for (let i = 0; i < BATCH; i++) {
        const tenant = TENANTS[pick(TENANTS.length)] as string
        // One write at a time in a tenant, so that it is known which changes each has confirmed.
        if (random() < 0.02 && !writing.has(tenant)) {
          writing.add(tenant)
          work.push(write(tenant).then(() => void writing.delete(tenant)))
        }
        work.push(read())
        if (work.length % 40 === 0) await Promise.all(work.splice(0))
      }
      await Promise.all(work)
      app.forget()
    }
    t.comment(JSON.stringify(counts))
    t.equal(counts.foreign, 0, 'bytes not given to that credential within the grant lifetime')
    t.equal(counts.old, 0, 'bytes older than a confirmed write')
    t.ok(
      counts.hits > READS / 20,
      'a good part came from the cache, so the promise was put to the test',
    )
    t.ok(counts.refused > 0, 'some were refused')
  },
)
