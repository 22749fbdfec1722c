/**
 * What each reason means, and what an operator does about it. `docs/explain.md` has its tables from here; the types
 * see to it that none is missing.
 */
import type { AskReason } from './entitlement.ts'
import type { RejectReason } from './outcome.ts'
import type { Assumption, RedisState } from './prediction.ts'

export interface Meaning {
  readonly meaning: string
  readonly remedy: string
}

/** What one look into the records gives. */
export type LookupReason =
  | AskReason
  /** It is served. */
  | 'fresh'
  /** It is served, and refreshed meanwhile. */
  | 'swr'
  /** The credential is entitled to bytes that are not here, or too old, or older than the request allows. */
  | 'missing'
  | 'stale'
  | 'marked'
  | 'request'

export type Topic = 'lookup' | 'reject' | 'redis' | 'assumption'

type Table<Reason extends string> = Readonly<Record<Reason, Meaning>>

const NOTHING_TO_DO = 'Nothing.'

const LOOKUP: Table<LookupReason> = {
  fresh: {
    meaning: 'Admission and grant are live, and the bytes that the grant names are here and fresh.',
    remedy: NOTHING_TO_DO,
  },
  swr: {
    meaning:
      'The bytes are past their freshness by less than `cache.staleWhileRevalidateMs`, or the API’s own `stale-while-revalidate`: they are served, and refreshed meanwhile.',
    remedy: NOTHING_TO_DO,
  },
  'no-grant': {
    meaning:
      'The upstream has not given this credential this customer in this version form, as far as is known here. Every credential asks once for itself.',
    remedy:
      'Expected for a first read. If it stays: compare `lastReject`; see that the client always sends the same `x-api-version` (each version, and none, is a view of its own) and does not change its token with each request; see whether `layby_memory_bytes` is at its limit (`cache.memory.maxBytes`).',
  },
  withdrawn: {
    meaning:
      'The upstream has refused this credential the customer (403, 404), or last gave it something that may not be stored.',
    remedy: 'Look at `lastReject`: its reason says which, and what to do.',
  },
  'grant-lapsed': {
    meaning: 'The upstream last gave it to this credential more than `cache.grantTtlMs` ago.',
    remedy:
      'Expected where reads are rare. A longer `cache.grantTtlMs` keeps an old role’s view readable for longer: see docs/choosing-lifetimes.md first.',
  },
  'not-admitted': {
    meaning:
      'The upstream has not accepted this token in this tenant within `cache.credentialTtlMs`. Hits renew nothing.',
    remedy:
      'Expected once in `cache.credentialTtlMs` for each token. If it is most of the misses, tokens are short-lived or reads are rare; a longer `cache.credentialTtlMs` keeps a revoked token readable for longer.',
  },
  fence: {
    meaning:
      'A write, a purge, or a 401 to this credential came after it was stored; or this instance has not heard of its fences of late.',
    remedy:
      '`fences` says which: `pending` is a write under way or without an outcome, `changed` a write or a purge, `unknown` a lost bus (`layby_bus_live`, `layby_redis_up`) or a fence that was forgotten for room. Many `changed` ones with kind `tenant`: writes whose parents can’t be learnt drop whole tenants (docs/coherence.md).',
  },
  marked: {
    meaning: 'A soft purge came after it was stored: it is true, and stale.',
    remedy: 'Expected once after each soft purge; the next read makes it fresh again for all.',
  },
  superseded: {
    meaning:
      'Somebody was given other bytes in place of these since. Whether that concerns this credential, only its own read can tell.',
    remedy:
      'Expected after a change that did not come through Layby. If it comes back all the time, the upstream’s answers differ from read to read: compare two bodies, and look for a time or a counter in them.',
  },
  'version-pin': {
    meaning:
      'The credential last used another version upstream than the one that was stored, or which one is not known: a hit would hide a change of its pin.',
    remedy:
      'Let the client send the same `x-api-version` with every request. `versionPin.known` is the one last used; null after a failed request, or while requests of different versions are under way.',
  },
  missing: {
    meaning: 'The credential is entitled to bytes that are no longer here: evicted, or never here.',
    remedy:
      'If it is frequent, the memory tier is too small: raise `cache.memory.maxBytes`, or see that Redis is reachable.',
  },
  stale: {
    meaning:
      'The bytes are past their freshness, `cache.ttlMs` or less where the upstream says so, and past `cache.staleWhileRevalidateMs`.',
    remedy:
      'Expected where reads are rarer than `cache.ttlMs`. A longer one shows changes that do not come through Layby later: see docs/choosing-lifetimes.md.',
  },
  request: {
    meaning:
      'They are fresh, and the request itself asks for fresher ones. Never so for a plain read.',
    remedy: 'Look at the `Cache-Control` that the client sends.',
  },
}

const REJECT: Table<RejectReason> = {
  status: {
    meaning: 'The answer was not a 200. Only a 200 is stored.',
    remedy: 'The upstream’s status says what is wrong: `lastReject.status`.',
  },
  type: {
    meaning: 'The answer was not `application/json`.',
    remedy: 'See what stands between Layby and the API: an error page in place of JSON?',
  },
  body: {
    meaning: 'The body is no JSON object, or its parent can’t be read as an id.',
    remedy: 'Ask for it past Layby, and compare it with the contract.',
  },
  encoding: {
    meaning: 'The answer was compressed, which was not asked for.',
    remedy: 'Turn compression off between Layby and the API.',
  },
  'no-store': {
    meaning: 'The upstream forbids storing: `no-store`.',
    remedy: 'That wins over every setting here. Take it up with the API if it is not meant.',
  },
  private: {
    meaning: 'The upstream forbids shared caches: `private`.',
    remedy: 'That wins over every setting here. Take it up with the API if it is not meant.',
  },
  'no-cache': {
    meaning: 'The upstream wants to be asked each time: `no-cache`.',
    remedy: 'That wins over every setting here. Take it up with the API if it is not meant.',
  },
  'cache-control': {
    meaning: 'The answer’s `Cache-Control` can’t be parsed, and might forbid storing.',
    remedy: 'Have the field mended where it is made.',
  },
  expired: {
    meaning:
      'It was past the lifetime that the upstream gave it when it came (`max-age`, `Expires`, `Age`, `Date`).',
    remedy:
      'See whether a cache between Layby and the API serves old answers, and whether the clocks of both agree.',
  },
  'set-cookie': {
    meaning: 'The answer sets a cookie, which is for one client.',
    remedy: 'Often a load balancer’s affinity cookie: turn it off for the path to the API.',
  },
  vary: {
    meaning: 'The answer varies by a request header that is not in the key.',
    remedy: 'Have the field taken out of `Vary`, if it does not change the answer.',
  },
  size: {
    meaning: 'The body is longer than `cache.maxBodyBytes`; it was streamed through.',
    remedy: 'Raise `cache.maxBodyBytes`, if such bodies are worth their room.',
  },
  unproven: {
    meaning:
      'The answer says neither how long it is nor where it ends, and came over TLS: nothing shows that all of it came. It was streamed through, and its end is an error to the client too.',
    remedy: 'Have the API, or what stands before it, send `Content-Length` or chunks.',
  },
  version: {
    meaning: 'The answer’s `X-API-VERSION` is missing, or not the one that was asked for.',
    remedy: 'The upstream does not know the version: see which ones its contract lists.',
  },
  fence: {
    meaning: 'A write was under way, or ended while the answer was: it may be from before.',
    remedy: 'Expected beside writes. If it stays, `fences` names the one that is `pending`.',
  },
  'fences-unknown': {
    meaning:
      'Redis, or the other processes of this instance, were out of reach while the answer was under way: whether a write came in between can’t be known.',
    remedy: 'See why Redis is away: `layby_redis_up`, and docs/operations.md, "When Redis dies".',
  },
  superseded: {
    meaning: 'A later request has been shown something else already.',
    remedy: NOTHING_TO_DO,
  },
}

const REDIS: Table<RedisState> = {
  'not-configured': {
    meaning: 'There is no Redis: memory is all there is.',
    remedy: NOTHING_TO_DO,
  },
  'not-asked': {
    meaning:
      'Memory decides: it serves, or what it knows is newer than anything another instance could know.',
    remedy: NOTHING_TO_DO,
  },
  'not-usable': {
    meaning:
      'Redis does not answer, or has come back so lately that what it holds is not believed yet.',
    remedy: 'See `layby_redis_up`, and docs/redis.md.',
  },
  nothing: {
    meaning: 'Redis has neither a grant nor an admission of this credential.',
    remedy: 'As for the reason that memory gives: no instance has served this credential of late.',
  },
  sealed: {
    meaning:
      'Redis has records of this credential, sealed under a key that is made from the token. A request with the token opens them; whether they let it be served can’t be told here.',
    remedy:
      'Send the token to `POST /admin/credential` on this instance, then ask again: an instance that has seen the token of late can open them.',
  },
  opened: {
    meaning:
      'Redis has records of this credential, and this instance has seen its token of late: `redis.brought` is what they come to.',
    remedy: NOTHING_TO_DO,
  },
}

const ASSUMPTION: Table<Assumption> = {
  nothing: {
    meaning: 'What is known here decides; nothing is assumed.',
    remedy: NOTHING_TO_DO,
  },
  answered: {
    meaning:
      'If the upstream answers 200 within a tenth of a second, with something that may be stored, and nothing shortens its lifetime. `ttl` varies by `cache.ttlJitter` either way.',
    remedy: NOTHING_TO_DO,
  },
  landing: {
    meaning:
      'If the request that is under way, and that this one would wait for, brings what it may share.',
    remedy: NOTHING_TO_DO,
  },
  failing: {
    meaning: 'If the upstream gives no answer.',
    remedy: NOTHING_TO_DO,
  },
  'redis-serves': {
    meaning: 'If what Redis has under seal lets the credential be served. `ttl` can’t be told.',
    remedy: NOTHING_TO_DO,
  },
  'redis-does-not-serve': {
    meaning:
      'If what Redis has under seal does not help, and the upstream answers 200 with something that may be stored.',
    remedy: NOTHING_TO_DO,
  },
}

export const MEANINGS = {
  lookup: LOOKUP,
  reject: REJECT,
  redis: REDIS,
  assumption: ASSUMPTION,
} as const satisfies Readonly<Record<Topic, Table<string>>>

export function meaningOf<T extends Topic>(topic: T, reason: keyof (typeof MEANINGS)[T]): Meaning {
  const table: Readonly<Record<string, Meaning>> = MEANINGS[topic]
  return table[reason as string] as Meaning
}
