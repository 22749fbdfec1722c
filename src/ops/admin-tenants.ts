/** `GET /admin/tenants`: which tenants ask most, and why they miss; and those whose cache is off. */
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { TenantSwitch } from '../cache/tenant-switch.ts'
import type { AdminRoute } from './admin-route.ts'
import type { TenantTraffic } from './tenant-traffic.ts'

const DEFAULT_TOP = 20

const TenantsQuery = Type.Object(
  { top: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|100)$' })) },
  { additionalProperties: false, description: 'top must be an integer from 1 to 100' },
)
type TenantsQuery = Static<typeof TenantsQuery>

export function tenantsRoute(
  traffic: Pick<TenantTraffic, 'top'>,
  switched: Pick<TenantSwitch, 'off'>,
): AdminRoute {
  return {
    method: 'GET',
    path: '/tenants',
    action: 'list-tenants',
    schema: { querystring: TenantsQuery },
    asked: () => ({}),
    handle: async ({ query }: FastifyRequest) => {
      const { top } = query as TenantsQuery
      return {
        status: 200,
        body: {
          tenants: traffic.top(top === undefined ? DEFAULT_TOP : Number(top)),
          off: switched.off,
        },
      }
    },
  }
}
