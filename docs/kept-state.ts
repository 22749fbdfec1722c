/** What a process keeps from one request to the next, with its bound: a part of `docs/reliability.md`. */

export interface KeptState {
  /** File below `src/` and field, as `cache/backoff.ts#pauses`. */
  readonly places: readonly string[]
  readonly holds: string
  readonly bound: string
  /** What happens at the bound. */
  readonly beyond: string
  /** Below `test/`. */
  readonly test: string
}

/** Each place of theirs is a case in it. */
export const BOUNDED_STATE = 'unit/bounded-state'

export const KEPT_STATE: readonly KeptState[] = [
  kept(
    ['auth/credentials.ts#known', 'auth/partition.ts#known', 'auth/sealing.ts#known'],
    'credentials with what stands for them',
    '10,000 each',
    'the least recently used is derived anew',
  ),
  kept(
    ['auth/version-pins.ts#idle'],
    'version pins of accepted credentials',
    '100,000',
    'the least recently used is not known: its next read is asked',
  ),
  kept(['auth/version-pins.ts#busy'], 'pins in use', 'requests under way', '—'),
  kept(
    ['cache/backoff.ts#pauses'],
    'views whose refresh failed',
    '10,000',
    'the oldest is tried once more than need be',
  ),
  kept(['cache/refreshes.ts#underWay'], 'views being refreshed', 'refreshes under way', '—'),
  kept(['cache/coalesce.ts#flights'], 'requests to the upstream', 'fills under way', '—'),
  kept(
    ['cache/tier-walk.ts#walks', 'cache/tier-walk.ts#offered'],
    'looks into Redis, and turns they brought',
    'reads under way',
    '—',
  ),
  kept(
    ['cache/header-lists.ts#known'],
    'header lists shared by records',
    '256 of 2,048 characters',
    'all are forgotten; records keep theirs',
  ),
  kept(
    ['cache/last-rejects.ts#rejects'],
    'why answers were not stored',
    '1,000',
    'the oldest is forgotten',
  ),
  kept(
    ['cache/header-changes.ts#changes'],
    'headers that changed beside the same body',
    '1,000',
    'the oldest is forgotten',
  ),
  kept(
    ['cache/sharing.ts#tripped'],
    'tenants that lost plain sharing for an hour',
    '10,000',
    'for an hour no tenant shares plainly',
  ),
  kept(
    ['cache/tenant-switch.ts#off', 'stores/shared-switches.ts#pending'],
    'tenants that operators have switched off, and switches that Redis has not taken',
    'what operators set, with the admin token',
    '—',
  ),
  kept(
    ['stores/switch-register.ts#switches'],
    'tenants that operators have ever switched',
    '10,000',
    'the oldest that is on is forgotten',
  ),
  kept(['cache/asked-views.ts#asked'], 'views being asked for', 'requests under way', '—'),
  kept(
    ['http/write-limit.ts#tenants', 'http/write-limit.ts#doubts', 'http/write-limit.ts#waiting'],
    'tenants with writes in doubt of credentials not accepted',
    '10,000; 10 in doubt and 100 that wait for each',
    'the first is forgotten; a further write is refused',
  ),
  kept(
    ['http/held-memory.ts#byTenant'],
    'tenants with content that is held',
    'requests under way',
    '—',
  ),
  kept(
    ['http/lapsing-map.ts#entries'],
    'answers of the API to CORS preflights, whom they let read, and paths that every page may read',
    '1,000 each, of 4,096 characters',
    'the oldest is forgotten: the API is asked again',
  ),
  kept(
    ['http/encoding.ts#remembered'],
    'codings chosen for `Accept-Encoding`',
    '256 of 1,024 characters',
    'all are forgotten, and chosen anew',
  ),
  kept(
    ['upstream/headers.ts#knownNames'],
    'names of fields in lower case',
    '256 of 64 characters',
    'further ones are not remembered',
  ),
  kept(
    ['upstream/tenant-gate.ts#lanes', 'upstream/fair-queue.ts#parties'],
    'tenants with requests under way or waiting',
    'requests under way, and 1,000 that wait for each tenant and share',
    'further ones are refused',
  ),
  kept(
    ['upstream/tenant-gate.ts#heldUntil'],
    'tenants whose 429 is heeded',
    '10,000',
    'the oldest is asked again early',
  ),
  kept(
    ['upstream/connector.ts#open', 'upstream/connection-lives.ts#lives'],
    'connections to the upstream',
    '`upstream.connections`, and those of reads sent once more',
    '—',
    'integration/upstream-causes',
  ),
  kept(
    ['ops/upstream-log.ts#failing'],
    'kinds of failed calls that were said',
    '100',
    'the oldest is said again',
    'unit/ops/upstream-log',
  ),
  kept(
    ['upstream/client.ts#retrying'],
    'connections of reads sent once more',
    'a tenth of the reads under way',
    'the read fails',
    'integration/upstream-guards',
  ),
  kept(
    ['stores/memory-store.ts#records'],
    'the memory tier',
    '`cache.memory.maxBytes`',
    'tenants above their share give way',
    'contract/memory-store',
  ),
  kept(
    [
      'stores/fair-map.ts#slots',
      'stores/fair-map.ts#keys',
      'stores/fair-map.ts#values',
      'stores/max-heap.ts#items',
      'stores/tenant-lists.ts#owners',
      'stores/tenant-lists.ts#sizes',
      'stores/tenant-lists.ts#lists',
      'stores/tenant-lists.ts#ends',
    ],
    'entries of a map that tenants share, and the tenants in it',
    'the map’s own',
    'the oldest entry of the tenant most above its share',
  ),
  kept(
    ['stores/local-fences.ts#values', 'stores/fence-table.ts#known'],
    'fences',
    'as many as the memory tier can have entries',
    'the fence counts as changed',
    'unit/stores/local-fences',
  ),
  kept(
    ['stores/pending-writes.ts#byName'],
    'writes of open outcome (`LocalFences.#pending`, `FenceTable.#pending`)',
    '20,000, and their time',
    'the write holds up its tenant, beyond twice as many all tenants',
    'unit/stores/pending-writes',
  ),
  kept(
    ['stores/fence-table.ts#readings'],
    'reads of fences from Redis',
    'reads under way',
    '—',
    'unit/stores/fence-table',
  ),
  kept(
    ['stores/provisional-names.ts#uses'],
    'fences made for credentials not accepted yet',
    '10,000',
    'the oldest is given up',
  ),
  kept(
    [
      'stores/shared-fences.ts#kept',
      'stores/shared-pins.ts#noted',
      'stores/process-state.ts#noted',
    ],
    'what Redis or the other processes were told',
    '10,000 each',
    'they are told once more',
  ),
  kept(
    ['stores/repeated.ts#pending'],
    'pins and withdrawals that Redis or the other instances have not taken',
    '10,000 of each kind',
    'the oldest is not told again',
  ),
  kept(
    ['stores/owed-changes.ts#pending', 'stores/owed-changes.ts#recent'],
    'invalidations that Redis or the others have not taken, and recent ones',
    '20,000',
    'those of one tenant become one; credentials that the API refused meanwhile have one each, as long as Redis is away',
  ),
  kept(
    ['stores/peer-invalidations.ts#peers'],
    'the same of other instances',
    'theirs, of 1,000 instances',
    'the instance counts as gone: what it had pending is ours',
  ),
  kept(
    ['stores/roll-call.ts#heardAt', 'stores/bus.ts#numbers'],
    'instances that were heard',
    '1,000',
    'all are forgotten, and heard again within 250 ms',
  ),
  kept(
    ['stores/roll-call.ts#calls'],
    'calls for acknowledgement',
    'admin calls of the last 500 ms',
    '—',
  ),
  kept(
    ['stores/roster.ts#seen', 'stores/roster.ts#taken'],
    'instances enrolled in Redis, and own counts',
    'a roster of likely size, 15 s',
    'a longer roster begins anew',
    'unit/stores/roster',
  ),
  kept(
    ['stores/turns.ts#held', 'stores/turns.ts#waiting', 'stores/turns.ts#ended'],
    'fills on behalf of all instances',
    'reads under way',
    '—',
  ),
  kept(['stores/credential-reads.ts#underWay'], 'looks into Redis', 'reads under way', '—'),
  kept(
    ['stores/redis-commands.ts#defined'],
    'scripts',
    'those of the source',
    '—',
    'integration/redis-faults',
  ),
  kept(
    ['ops/access-log.ts#redisFaults'],
    'faults of Redis that were logged',
    '100 codes',
    'further ones are not logged until Redis is usable again',
  ),
  kept(
    ['ops/tenant-traffic.ts#entries', 'ops/tenant-traffic.ts#lightest'],
    'tenants that ask most',
    '256',
    'the lightest gives way',
  ),
  kept(
    ['ops/history.ts#points'],
    'points of the dashboard’s charts',
    '240: an hour',
    'the oldest is forgotten',
  ),
  kept(
    ['ops/recent-problems.ts#byCode'],
    'recent problems',
    '10 kinds of each code, with four tenants',
    'the oldest is forgotten',
  ),
  kept(
    ['ops/request-metrics.ts#combinations', 'ops/instruments.ts#series'],
    'series of metrics',
    'closed words; 80 of outcome and status',
    'counted as other',
  ),
  kept(
    ['ops/event-stream.ts#listeners'],
    'listeners of the dashboard',
    '32',
    'a further one is refused',
    'unit/ops/event-stream',
  ),
  kept(
    ['ops/reporting.ts#listeners', 'ops/reporting.ts#ofFinished', 'ops/reporting.ts#ofLookups'],
    'who hears reports',
    'made at the start',
    '—',
    'unit/ops/trackers',
  ),
  kept(
    [
      'ops/samples.ts#byName',
      'ops/merged-metrics.ts#departed',
      'processes/overview.ts#observations',
    ],
    'metrics of one look, or of all ended processes as one',
    'closed series',
    '—',
    'unit/ops/merged',
  ),
  kept(['ops/merged-metrics.ts#last'], 'metrics of each process', 'processes that run', '—'),
  kept(
    ['processes/overview.ts#settings'],
    'tenant switches, for processes to come',
    '1,000',
    'the oldest is not told to new ones',
  ),
  kept(
    ['processes/relay.ts#pending'],
    'writes of open outcome',
    '20,000, and their time',
    'a process that starts then stores nothing until the last of them is over',
  ),
  kept(
    ['processes/relay.ts#members', 'processes/relay.ts#open', 'processes/link.ts#waits'],
    'messages between processes that are not acknowledged',
    '2.5 s',
    'nobody waits any longer',
  ),
  kept(
    ['processes/workers.ts#listening', 'processes/workers.ts#questions'],
    'processes, and questions to them',
    '`server.processes`; a time for each answer',
    '—',
    'unit/processes/overview',
  ),
  kept(
    ['lib/log-output.ts#waiting'],
    'lines of the log that their reader has not taken',
    '4 MiB',
    'they are dropped and counted (`layby_log_lines_dropped_total`)',
    'unit/lib/log-output',
  ),
  kept(
    ['lib/console-lines.ts#logged'],
    'codes of console messages',
    'four',
    '—',
    'unit/lib/console-lines',
  ),
  kept(
    [
      'lib/owed-answers.ts#answers',
      'lib/lingering.ts#sockets',
      'wire/idle.ts#watched',
      'http/reader-watch.ts#watched',
      'http/content-watch.ts#watched',
    ],
    'connections and their answers',
    'open connections; what one pipelines in 64 kB',
    'the rest waits in the kernel',
    'unit/wire/idle',
  ),
]

/** Collections that end with the call that makes them. */
export const OF_ONE_CALL: readonly string[] = [
  'cache/header-changes.ts#names',
  'cache/header-changes.ts#lines',
  'cache/cache-control.ts#directives',
  'cache/frame-bytes.ts#chunks',
  'cache/invalidation.ts#parents',
  'cache/tier-glance.ts#laid',
  'http/client-fields.ts#known',
  'http/encoding.ts#weights',
  'http/preflight.ts#known',
  'http/methods.ts#REPORTED',
  'lib/send-queues.ts#queues',
  'lib/trace-context.ts#members',
  'ops/format-choice.ts#parameters',
  'ops/merged-observations.ts#byTenant',
  'ops/page-files.ts#files',
  'stores/turns.ts#open',
]

function kept(
  places: readonly string[],
  holds: string,
  bound: string,
  beyond: string,
  test = BOUNDED_STATE,
): KeptState {
  return { places, holds, bound, beyond, test }
}

export function keptStateSection(): string {
  const lines = KEPT_STATE.map(({ places, holds, bound, beyond, test }) => {
    const where = places.map((place) => `\`${place}\``).join(', ')
    return `| ${holds} | ${bound} | ${beyond} | ${where} | \`${test}\` |`
  })
  return `
## What is kept from one request to the next

Nothing that a client, the API or Redis can name without end is kept without end. Each collection of a process, what bounds it, and what happens
at the bound; \`unit/docs/kept-state\` finds one that is not here.

| holds | bound | at the bound | where, below \`src/\` | test |
|---|---|---|---|---|
${lines.join('\n')}
`
}
