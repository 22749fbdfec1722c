/** `POST /admin/purge`: one customer, a tenant, or what was given to one credential. */
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Purger, PurgeTarget } from '../cache/purge.ts'
import type { AdminRoute, AuditFacts } from './admin-route.ts'

export const Id = Type.String({ pattern: '^[1-9][0-9]{0,18}$' })
const Credential = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })
const STRICT = { additionalProperties: false }
const Mode = Type.Optional(Type.Enum(['hard']))

const PurgeBody = Type.Union(
  [
    Type.Object({ tenant: Id, customer: Id, mode: Mode }, STRICT),
    Type.Object({ tenant: Id, all: Type.Literal(true), mode: Mode }, STRICT),
    Type.Object(
      {
        credential: Credential,
        former: Type.Optional(Type.Array(Credential, { maxItems: 16 })),
        mode: Mode,
      },
      STRICT,
    ),
  ],
  {
    description:
      'send {"tenant": "7", "customer": "5"}, {"tenant": "7", "all": true}, or the answer of /admin/credential; ids are decimal strings',
  },
)
type PurgeBody = Static<typeof PurgeBody>

export function purgeRoute(purger: Pick<Purger, 'purge'>): AdminRoute {
  return {
    method: 'POST',
    path: '/purge',
    action: 'purge',
    schema: { body: PurgeBody },
    asked: ({ body }) => ({ mode: 'hard', ...factsOf(targetOf(body as PurgeBody)) }),
    handle: async ({ body }: FastifyRequest) => {
      const target = targetOf(body as PurgeBody)
      const { generation, roll, isPending } = await purger.purge(target)
      return {
        status: 202,
        body: {
          generation,
          instancesAcked: roll.acked,
          instancesKnown: roll.known,
          purged: { mode: 'hard', ...factsOf(target) },
          ...(isPending ? { pending: true } : {}),
        },
        facts: { generation, acknowledged: `${roll.acked} of ${roll.known}` },
      }
    },
  }
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
function factsOf(target: PurgeTarget): AuditFacts {
  switch (target.kind) {
    case 'customer':
      return { scope: 'customer', tenant: target.tenant, customer: target.customer }
    case 'tenant':
      return { scope: 'tenant', tenant: target.tenant }
    case 'credential':
      return { scope: 'credential', credential: target.partitions[0] ?? '' }
    default:
      return target satisfies never
  }
}
