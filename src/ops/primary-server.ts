/**
 * The operations listener of several processes: one for all of them, in the primary, which serves no requests
 * itself. Metrics are merged and health is judged here, and the dashboard shows both; everything else is carried to
 * a worker.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { addDashboard, type DashboardDependencies } from './dashboard.ts'
import { createOpsListener, type OpsListenerSettings } from './listener.ts'
import type { ProcessMetrics } from './merged-metrics.ts'
import { addMetrics } from './metrics-route.ts'
import { addServedPaths } from './served-paths.ts'

export interface CarriedRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string | null
}

export interface CarriedReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: string
}

export interface PrimaryServerDependencies {
  readonly listener: Omit<OpsListenerSettings, 'bodyLimit'>
  /** Whether some worker wants traffic. */
  readonly isReady: () => boolean
  /** Of all processes, merged. */
  readonly metrics: () => Promise<ProcessMetrics>
  readonly dashboard: DashboardDependencies
  /** Whether `ops.adminToken` is set. */
  readonly hasAdmin: boolean
  /** Null: no worker has answered. */
  readonly carry: (request: CarriedRequest) => Promise<CarriedReply | null>
}

/** Of what is carried, longest content. Bytes. */
const MAX_BODY_BYTES = 65_536
/** Belong to one connection. */
const NOT_CARRIED = ['connection', 'transfer-encoding', 'keep-alive', 'content-length']

export async function createPrimaryServer(
  deps: PrimaryServerDependencies,
): Promise<FastifyInstance> {
  const fastify = createOpsListener({ ...deps.listener, bodyLimit: MAX_BODY_BYTES })
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  )
  addMetrics(fastify, deps.metrics)
  fastify.get('/health/live', async () => ({ status: 'live' }))
  fastify.get('/health/ready', async (_request, reply) => {
    if (!deps.isReady()) reply.code(503)
    return { status: deps.isReady() ? 'ready' : 'not ready' }
  })
  addDashboard(fastify, deps.dashboard)
  addServedPaths(fastify, deps.hasAdmin)
  fastify.setNotFoundHandler(async (request, reply) => {
    const carried = await deps.carry(carriedOf(request))
    if (carried === null) return reply.code(503).send({ status: 503 })
    for (const [name, value] of Object.entries(carried.headers)) {
      if (!NOT_CARRIED.includes(name)) reply.header(name, value)
    }
    return reply.code(carried.status).send(carried.body)
  })
  await fastify.ready()
  return fastify
}

function carriedOf(request: FastifyRequest): CarriedRequest {
  const headers = Object.entries(request.headers).filter(([name]) => !NOT_CARRIED.includes(name))
  return {
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(headers),
    body: typeof request.body === 'string' ? request.body : null,
  }
}
