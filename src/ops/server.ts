/** The operations listener: metrics, health, dashboard, and admin, on a port of its own. Listens to nothing by itself. */
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { type AdminDependencies, addAdmin } from './admin.ts'
import { addDashboard, type DashboardDependencies } from './dashboard.ts'
import { createOpsListener, type OpsListenerSettings } from './listener.ts'
import { addMetrics } from './metrics-route.ts'
import { addServedPaths, notServed } from './served-paths.ts'

export interface OpsDependencies {
  readonly listener: Omit<OpsListenerSettings, 'bodyLimit'>
  readonly registry: Registry
  /** Whether the instance wants traffic. */
  readonly isReady: () => boolean
  /** Null: no Redis is configured. Its state is told, and never makes an instance unready. */
  readonly redis: { readonly isUsable: boolean } | null
  /** Null: no token is configured, and below `/admin` is nothing. */
  readonly admin: AdminDependencies | null
  readonly dashboard: DashboardDependencies
}

/** Longest content of a request; each admin call has its own limit. */
const MAX_BODY_BYTES = 65_536

export async function createOpsServer({
  listener,
  registry,
  isReady,
  redis,
  admin,
  dashboard,
}: OpsDependencies): Promise<FastifyInstance> {
  const fastify = createOpsListener({ ...listener, bodyLimit: MAX_BODY_BYTES })
  fastify.setNotFoundHandler((request, reply) => reply.code(404).send(notServed(request.url)))
  addServedPaths(fastify, admin !== null)
  addMetrics(fastify, () => registry.getMetricsAsJSON())
  // Never tests a dependency: a restart would not mend one.
  fastify.get('/health/live', async () => ({ status: 'live' }))
  fastify.get('/health/ready', async (_request, reply) => {
    if (!isReady()) reply.code(503)
    const status = isReady() ? 'ready' : 'not ready'
    return redis === null ? { status } : { status, redis: redis.isUsable ? 'up' : 'down' }
  })
  addDashboard(fastify, dashboard)
  if (admin !== null) await addAdmin(fastify, admin)
  await fastify.ready()
  return fastify
}
