/**
 * The dashboard: a page, and the snapshots that it shows. Open to whoever reaches the operations port, as the
 * metrics are (docs/decisions/2026-11-24-the-dashboard-is-open.md): tenant ids, and no customer's data.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import type { Clock } from '../lib/clock.ts'
import { runbooksUrl, version } from '../lib/package-file.ts'
import { sendOpsProblem } from './admin-problems.ts'
import { EventStream } from './event-stream.ts'
import { History, recordHistory } from './history.ts'
import { type PageFile, readPageFiles } from './page-files.ts'
import type { RecentProblem } from './recent-problems.ts'
import type { MetricSamples } from './samples.ts'
import { SNAPSHOT_METRICS, type Snapshot, snapshotOf } from './snapshot.ts'
import type { TenantFigures } from './tenant-traffic.ts'

export interface DashboardDependencies {
  readonly clock: Clock
  readonly registry: Pick<Registry, 'getSingleMetric'>
  readonly isReady: () => boolean
  readonly traffic: { top(count: number): readonly TenantFigures[] }
  readonly problems: { list(): readonly RecentProblem[] }
  readonly memoryMaxBytes: number
  /** Host and port of the upstream. */
  readonly upstreamName: string
  /** By the `Authorization` header. */
  readonly isOperator: (authorization: string | undefined) => boolean
  /** Before each snapshot: brings what the rest tells up to date, where it comes from other processes. */
  readonly refresh?: () => Promise<void>
}

/** The page runs its own files, and fetches from where it came; no other site may frame or read it. */
const HEADERS = {
  // guard: page-policy
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const
const LIVE_HEADERS = { ...HEADERS, 'Cache-Control': 'no-store' } as const
const FULL_RETRY_SECONDS = '10'
const TOP_TENANTS = 10

/** To be added before the server is ready; ends its streams when the server closes. */
export function addDashboard(fastify: FastifyInstance, deps: DashboardDependencies): void {
  const files = readPageFiles()
  const take = snapshots(deps)
  const events = new EventStream(async () => JSON.stringify(await take()))
  const history = new History()
  const recorder = recordHistory(history, take)
  // Not of a process whose operations listener is another's.
  fastify.addHook('onListen', async () => recorder.start())
  fastify.addHook('preClose', async () => {
    recorder.end()
    events.end()
  })

  fastify.get('/dashboard', (request, reply) => sendFile(files.get('index.html'), request, reply))
  // Relative: the port may stand behind another proxy, below a path of its own.
  fastify.get('/dashboard/', (_request, reply) => reply.redirect('../dashboard', 308))
  fastify.get<{ Params: { name: string } }>('/dashboard/:name', (request, reply) =>
    sendFile(files.get(request.params.name), request, reply),
  )
  fastify.get('/dashboard/snapshot', async (_request, reply) => {
    reply.headers(LIVE_HEADERS)
    return take()
  })
  fastify.get('/dashboard/history', async (_request, reply) => {
    reply.headers(LIVE_HEADERS)
    return { points: history.upTo(await take()) }
  })
  // A HEAD of it would have no end.
  fastify.get('/dashboard/events', { exposeHeadRoute: false }, (request, reply) =>
    listen(events, request, reply, deps.isOperator(request.headers.authorization)),
  )
}

function listen(
  events: EventStream,
  request: FastifyRequest,
  reply: FastifyReply,
  isOperator: boolean,
): unknown {
  if (!events.makeRoom()) {
    reply.headers({ ...LIVE_HEADERS, 'Retry-After': FULL_RETRY_SECONDS })
    return sendOpsProblem(reply, request.id, 'too_many_streams')
  }
  reply.hijack()
  return events.join(reply.raw, LIVE_HEADERS, isOperator)
}

function sendFile(
  file: PageFile | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (file === undefined) {
    reply.callNotFound()
    return reply
  }
  reply.headers({ ...HEADERS, 'Cache-Control': 'no-cache', ETag: file.etag })
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send()
  return reply.type(file.contentType).send(file.body)
}

/** Of each metric that is told, and of no other: to read some resets what they measure. */
function snapshots(deps: DashboardDependencies): () => Promise<Snapshot> {
  const { clock, registry, isReady, traffic, problems, memoryMaxBytes, refresh } = deps
  const { upstreamName } = deps
  const running = { host: hostname(), version: version(), runbooks: runbooksUrl() }
  const identity = { instance: randomUUID(), ...running }
  return async () => {
    await refresh?.()
    const metrics = await Promise.all(
      SNAPSHOT_METRICS.map(async (name): Promise<MetricSamples> => {
        const told = await registry.getSingleMetric(name)?.get()
        return { name, values: told?.values ?? [] }
      }),
    )
    return snapshotOf({
      ...identity,
      at: clock.wall(),
      monotonicMs: clock.monotonic(),
      isReady: isReady(),
      memoryMaxBytes,
      upstreamName,
      metrics,
      tenants: traffic.top(TOP_TENANTS),
      problems: problems.list(),
    })
  }
}
