/** `POST /admin/purge`: one customer, a tenant, or what was given to one credential. */
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Purged, Purger, PurgeTarget } from '../cache/purge.ts'
import type { AdminRoute, AuditFacts } from './admin-route.ts'

export const Id = Type.String({ pattern: '^[1-9][0-9]{0,18}$' })
const Credential = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })
const STRICT = { additionalProperties: false }
/**
 * `hard`: nothing from before is served again. `soft`: it is stale at once, and may be served as any stale copy
 * while it is refreshed or the upstream fails, no longer than it could have been without the purge.
 */
const Mode = Type.Optional(Type.Enum(['hard', 'soft']))

const PurgeBody = Type.Union(
  [
    Type.Object({ tenant: Id, customer: Id, mode: Mode }, STRICT),
    Type.Object({ tenant: Id, all: Type.Literal(true), mode: Mode }, STRICT),
    Type.Object(
      {
        credential: Credential,
        former: Type.Optional(Type.Array(Credential, { maxItems: 16 })),
        mode: Type.Optional(Type.Literal('hard')),
      },
      STRICT,
    ),
  ],
  {
    description:
      'send {"tenant": "7", "customer": "5"}, {"tenant": "7", "all": true}, or the answer of /admin/credential; ids are decimal strings; "mode" is "hard", or for customers and tenants "soft"',
  },
)
type PurgeBody = Static<typeof PurgeBody>

export function purgeRoute(purger: Pick<Purger, 'purge' | 'purgeSoftly'>): AdminRoute {
  return {
    method: 'POST',
    path: '/purge',
    action: 'purge',
    schema: { body: PurgeBody },
    asked: ({ body }) => factsOf(body as PurgeBody),
    handle: async ({ body }: FastifyRequest) => {
      const asked = body as PurgeBody
      const { generation, roll, isPending } = await carryOut(asked, purger)
      return {
        status: 202,
        body: {
          generation,
          instancesAcked: roll.acked,
          instancesKnown: roll.known,
          purged: factsOf(asked),
          ...(isPending ? { pending: true } : {}),
        },
        facts: { generation, acknowledged: `${roll.acked} of ${roll.known}` },
      }
    },
  }
}

function carryOut(body: PurgeBody, purger: Pick<Purger, 'purge' | 'purgeSoftly'>): Promise<Purged> {
  const target = targetOf(body)
  return body.mode === 'soft' && target.kind !== 'credential'
    ? purger.purgeSoftly(target)
    : purger.purge(target)
}

function targetOf(body: PurgeBody): PurgeTarget {
  if ('credential' in body) {
    return { kind: 'credential', partitions: [body.credential, ...(body.former ?? [])] }
  }
  const { tenant } = body
  return 'customer' in body
    ? { kind: 'customer', tenant, customer: body.customer }
    : { kind: 'tenant', tenant }
}

/** What was purged, as the operator named it. */
function factsOf(body: PurgeBody): AuditFacts {
  const target = targetOf(body)
  const mode = body.mode ?? 'hard'
  switch (target.kind) {
    case 'customer':
      return { mode, scope: 'customer', tenant: target.tenant, customer: target.customer }
    case 'tenant':
      return { mode, scope: 'tenant', tenant: target.tenant }
    case 'credential':
      return { mode, scope: 'credential', credential: target.partitions[0] ?? '' }
    default:
      return target satisfies never
  }
}
