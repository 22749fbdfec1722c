/** What `GET /dashboard/snapshot` answers: the members of `ops/snapshot.ts` that a screen is made of. */
import Type from 'typebox'
import { TenantRow } from './replies.ts'

const Amount = Type.Number()
const AmountOrNull = Type.Union([Type.Number(), Type.Null()])
const Counts = Type.Record(Type.String(), Amount)
const Histogram = Type.Object({
  bounds: Type.Array(Amount),
  counts: Type.Array(Amount),
  count: Amount,
  sum: Amount,
})

export const SnapshotReply = Type.Object({
  instance: Type.String(),
  host: Type.String(),
  version: Type.String(),
  runbooks: Type.String(),
  at: Amount,
  monotonicMs: Amount,
  startedAt: AmountOrNull,
  isReady: Type.Boolean(),
  requests: Type.Object({
    total: Amount,
    byOutcome: Counts,
    hits: Type.Object({ memory: Amount, redis: Amount }),
    misses: Counts,
    byStatus: Counts,
    upstreamErrors: Amount,
    shed: Amount,
    limited: Amount,
    failedReads: Amount,
  }),
  upstream: Type.Object({
    calls: Amount,
    saved: Amount,
    fills: Counts,
    name: Type.String(),
    connections: Counts,
    queueLength: Amount,
    queueWait: Histogram,
    errors: Counts,
  }),
  latency: Type.Record(Type.String(), Histogram),
  stale: Counts,
  followers: Amount,
  rejects: Counts,
  invalidations: Counts,
  staleness: Histogram,
  sharing: Type.Object({ mode: Type.String(), trippedTenants: Amount }),
  memory: Type.Object({
    bytes: Amount,
    maxBytes: Amount,
    entries: Amount,
    evictions: Amount,
    residentBytes: AmountOrNull,
    limitBytes: AmountOrNull,
    heapShare: Amount,
  }),
  eventLoop: Type.Object({ activeSeconds: Amount, idleSeconds: Amount }),
  certificates: Counts,
  redis: Type.Union([
    Type.Object({
      isUp: Type.Boolean(),
      isWritable: Type.Boolean(),
      pendingInvalidations: Amount,
      isBusLive: Type.Boolean(),
      busGaps: Histogram,
      mismatches: Amount,
    }),
    Type.Null(),
  ]),
  breakers: Type.Record(Type.String(), Type.Boolean()),
  tenants: Type.Array(TenantRow),
  problems: Type.Array(
    Type.Object({
      at: Amount,
      count: Amount,
      code: Type.String(),
      status: Amount,
      method: Type.String(),
      path: Type.Union([Type.String(), Type.Null()]),
      cause: Type.Union([Type.String(), Type.Null()]),
      tenant: Type.Union([Type.String(), Type.Null()]),
      tenants: Type.Array(Type.String()),
      requestId: Type.String(),
    }),
  ),
})
