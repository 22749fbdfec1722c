/**
 * What the operations listener says of itself: `GET /` names the listener and lists what it serves, and a path that is not
 * served is answered with where to look. Needs no token, so that commands can ask what they have reached before they send
 * one.
 */
import type { FastifyInstance } from 'fastify'

/** `service` and `listener` are what commands know an operations listener by. */
export interface ServedPaths {
  readonly service: 'layby'
  readonly listener: 'operations'
  readonly paths: Readonly<Record<string, string>>
}

const HEALTH = 'health is told by /health/live and /health/ready'
const ELSEWHERE = 'nothing is served here; GET / lists what is'
/** What other programs call it. */
const HEALTH_ELSEWHERE = /^\/(?:health|healthz|livez|readyz|ready|live|status|ping)\/?(?:\?|$)/

/** @param hasAdmin whether `ops.adminToken` is set */
export function servedPaths(hasAdmin: boolean): ServedPaths {
  const admin = hasAdmin
    ? 'the admin API, with ops.adminToken: docs/admin.md'
    : 'not served: ops.adminToken is not set'
  return {
    service: 'layby',
    listener: 'operations',
    paths: {
      '/dashboard': 'what happens here, for people',
      '/metrics': 'the same, for Prometheus',
      '/health/live': '200 while the process answers: for restarting',
      '/health/ready': '200 while it wants traffic, 503 otherwise: for balancers',
      '/admin': admin,
    },
  }
}

export function addServedPaths(fastify: FastifyInstance, hasAdmin: boolean): void {
  const body = `${JSON.stringify(servedPaths(hasAdmin), null, 2)}\n`
  fastify.get('/', (_request, reply) =>
    reply.header('Cache-Control', 'no-store').type('application/json').send(body),
  )
}

/** The content of a 404. @param target as it stands in the request line */
export function notServed(target: string): { readonly status: 404; readonly detail: string } {
  return { status: 404, detail: HEALTH_ELSEWHERE.test(target) ? HEALTH : ELSEWHERE }
}
