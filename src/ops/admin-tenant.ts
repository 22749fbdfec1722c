/** `PUT /admin/tenants/{tenant}`: switches the cache off or on for one tenant. */
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Purged } from '../cache/purge.ts'
import { Id } from './admin-purge.ts'
import type { AdminRoute } from './admin-route.ts'

const TenantParams = Type.Object({ tenant: Id }, { description: 'the tenant must be a decimal id' })
type TenantParams = Static<typeof TenantParams>
const TenantBody = Type.Object(
  { cache: Type.Enum(['on', 'off']) },
  { additionalProperties: false, description: 'send {"cache": "off"} or {"cache": "on"}' },
)
type TenantBody = Static<typeof TenantBody>

export function tenantRoute(put: (tenant: string, isOff: boolean) => Promise<Purged>): AdminRoute {
  const asked = ({ params, body }: FastifyRequest) => ({
    tenant: (params as TenantParams).tenant,
    cache: (body as TenantBody).cache,
  })
  return {
    method: 'PUT',
    path: '/tenants/:tenant',
    action: 'switch-tenant',
    schema: { params: TenantParams, body: TenantBody },
    asked,
    handle: async (request: FastifyRequest) => {
      const { tenant, cache } = asked(request)
      const { generation, roll, isPending } = await put(tenant, cache === 'off')
      return {
        status: 202,
        body: {
          tenant,
          cache,
          generation,
          instancesAcked: roll.acked,
          instancesKnown: roll.known,
          ...(isPending ? { pending: true } : {}),
        },
        facts: { generation, acknowledged: `${roll.acked} of ${roll.known}` },
      }
    },
  }
}
