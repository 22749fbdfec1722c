/** Guards of what is stored, and of who is given it. */
import type { Guard } from '../guards.ts'

export const CACHE_GUARDS: readonly Guard[] = [
  {
    name: 'key-lengths',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of the code
    cuts: [['`${part.length}:${part}`', '`:${part}`']],
    tests: [{ file: 'unit/cache/key' }],
  },
  {
    name: 'unreadable-content',
    cuts: [["'invalid'", 'undefined']],
    tests: [
      { file: 'integration/unreadable-content', title: 'changes all that it may have changed' },
      { file: 'unit/cache/invalidation' },
    ],
  },
  {
    name: 'told-once',
    cuts: [['isAmbiguous(json, name)', 'false']],
    tests: [
      { file: 'integration/unreadable-content', title: 'changes all that it may have changed' },
      { file: 'unit/cache/pure-modules', title: 'what can not be read of content' },
    ],
  },
  {
    name: 'holder-proof',
    cuts: [
      ['grant.holder !== standing.holder', 'false'],
      ['admission.holder !== standing.holder', 'false'],
    ],
    tests: [{ file: 'integration/isolation', title: 'even if all credentials' }],
  },
  {
    name: 'digest-in-key',
    cuts: [["encodeParts('r', view, scope, digest)", "encodeParts('r', view, scope)"]],
    tests: [{ file: 'integration/permission-matrix', env: { MATRIX_READS: '4000' } }],
  },
  {
    name: 'admission-lifetime',
    cuts: [['now >= admission.expiresAt', 'false']],
    tests: [{ file: 'integration/revocation' }, { file: 'unit/cache/entitlement' }],
  },
  {
    name: 'refused-credential',
    cuts: [['await this.#deps.fences.change(all.map(credentialFence))', '']],
    tests: [
      { file: 'integration/redis-tier', title: 'a credential that the upstream refuses' },
      { file: 'integration/processes', title: 'two workers' },
    ],
  },
  {
    name: 'stale-entitlement',
    cuts: [['now < grant.expiresAt + graceMs && now < admission.expiresAt + graceMs', 'true']],
    tests: [{ file: 'integration/stale', title: 'grant and admission are spared' }],
  },
  {
    name: 'stored-status',
    cuts: [['answer.status !== 200', 'false']],
    tests: [{ file: 'integration/client-directives', title: 'must not be stored' }],
  },
  {
    name: 'stored-cookies',
    cuts: [["headerValue(headers, 'set-cookie') !== null", 'false']],
    tests: [{ file: 'integration/client-directives', title: 'must not be stored' }],
  },
  {
    name: 'stored-version',
    cuts: [['asked.version !== null && asked.version !== version', 'false']],
    tests: [{ file: 'integration/client-directives', title: 'must not be stored' }],
  },
  {
    name: 'stored-type',
    cuts: [["type?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json'", 'false']],
    tests: [{ file: 'integration/client-directives', title: 'must not be stored' }],
  },
  {
    name: 'stored-json',
    cuts: [['object === null', 'false']],
    tests: [{ file: 'integration/client-directives', title: 'must not be stored' }],
  },
  {
    name: 'plainly-other',
    cuts: [
      ['type !== null && !/^application\\/(?:[^;]+\\+)?json[ \\t]*(?:;|$)/i.test(type)', 'false'],
    ],
    tests: [{ file: 'integration/maintenance-pages', title: 'long page' }],
  },
  {
    name: 'vouching-answers',
    cuts: [['!isPlainlyOther(answer)', 'true']],
    tests: [{ file: 'integration/maintenance-pages', title: 'does not renew' }],
  },
  {
    name: 'own-withdrawal',
    cuts: [['this.#deps.standings.withdraw(view, partition, answer.sentAt)', '']],
    tests: [{ file: 'integration/maintenance-pages', title: 'one credential alone' }],
  },
  {
    name: 'revalidate-window',
    cuts: [['past < revalidateMs(copy.headers)', 'true']],
    tests: [{ file: 'integration/stale', title: 'past stale-while-revalidate' }],
  },
  {
    name: 'kept-headers',
    cuts: [['this.#kept.has(name)', '!EXCHANGE_HEADERS.has(name)']],
    tests: [{ file: 'integration/kept-headers', title: 'of one exchange' }],
  },
  {
    name: 'digest-rule',
    cuts: [['digestRule.isOwn(found.grant.digest)', 'true']],
    tests: [{ file: 'integration/kept-headers', title: 'another rule' }],
  },
  {
    name: 'entity-tag-form',
    cuts: [["(hasTag || name !== 'etag')", 'true']],
    tests: [{ file: 'integration/upstream-metadata', title: 'counts as absent' }],
  },
  {
    name: 'stated-age',
    cuts: [['Math.min(Number(first), MAX_DELTA_SECONDS) * 1000', '0']],
    tests: [{ file: 'unit/cache/freshness', title: 'first member of a list' }],
  },
  {
    name: 'apparent-age',
    cuts: [['ageMs > DATE_RESOLUTION_MS', 'false']],
    tests: [{ file: 'unit/cache/freshness', title: 'an old Date' }],
  },
  {
    name: 'http-date-forms',
    cuts: [['Number.NaN', 'Date.parse(text)']],
    tests: [{ file: 'unit/lib/http-date', title: 'no date' }],
  },
  {
    name: 'shareable-answers',
    cuts: [["kept.representation !== null && kept.rejected !== 'superseded'", 'true']],
    tests: [{ file: 'integration/uncacheable-answers', title: 'is for the one that asked' }],
  },
  {
    name: 'uncacheable-views',
    cuts: [['!rejects.isUncacheable(request.grantKey, clock.monotonic())', 'true']],
    tests: [{ file: 'integration/uncacheable-answers', title: 'is not waited for' }],
  },
  {
    name: 'fence-compared',
    cuts: [['known !== stamped && known?.[1] !== value', 'false']],
    tests: [{ file: 'unit/cache/fence-schedules', title: 'no read is older' }],
  },
  {
    name: 'held-fences',
    cuts: [['!standing.admissionHolds || !standing.grantHolds', 'false']],
    tests: [{ file: 'unit/cache/entitlement' }],
  },
  {
    name: 'change-overtakes',
    cuts: [['changed ? previous.digest : null', 'null']],
    tests: [{ file: 'unit/cache/sharing-property', title: 'nobody is served' }],
  },
  {
    name: 'pending-write',
    cuts: [['this.#pending.add(names, id, lifetimeMs)', '']],
    tests: [{ file: 'unit/cache/fence-schedules', title: 'no read is older' }],
  },
  {
    name: 'refresh-floor',
    cuts: [['now - copy.confirmedAt <= MIN_REFRESH_INTERVAL_MS', 'false']],
    tests: [{ file: 'integration/client-directives', title: 'once a second' }],
  },
  {
    name: 'fair-eviction',
    cuts: [['this.#byBytes.top', 'longestUnused']],
    tests: [
      { file: 'unit/stores/tenant-fairness', title: 'takes none of the 20' },
      { file: 'unit/stores/local-fences', title: 'displace none' },
      { file: 'unit/stores/fence-table', title: 'displace none' },
      { file: 'integration/tenant-memory' },
    ],
  },
  {
    name: 'memory-budget',
    cuts: [['this.#size > this.#maxSize', 'false']],
    tests: [{ file: 'contract/memory-store' }],
  },
  {
    name: 'forms-counted',
    cuts: [['formBytes(record.body.length)', '0']],
    tests: [{ file: 'contract/memory-store', title: 'compressed forms' }],
  },
  {
    name: 'grant-lifetime',
    cuts: [['now >= grant.expiresAt', 'false']],
    tests: [{ file: 'unit/cache/entitlement' }],
  },
  {
    name: 'one-flight',
    cuts: [['return this.#flights.get(key)', 'return undefined']],
    tests: [{ file: 'integration/coalesce', title: '1,000 concurrent cold reads' }],
  },
  {
    name: 'malformed-status',
    cuts: [['field !== null && isStatusList(field)', 'field !== null']],
    tests: [{ file: 'integration/exchange-fields', title: 'Cache-Status' }],
  },
  {
    name: 'client-lifetime',
    cuts: [
      [
        'Math.max(0, Math.min(lifetimes.clientMaxAgeSeconds, ttl))',
        'lifetimes.clientMaxAgeSeconds',
      ],
    ],
    tests: [{ file: 'integration/client-lifetime', title: 'past it' }],
  },
  {
    name: 'origin-of-another',
    cuts: [['isOthers', 'false']],
    tests: [{ file: 'integration/cors', title: 'not told to another' }],
  },
  {
    name: 'good-preflights',
    cuts: [['status < 200 || status > 299', 'false']],
    tests: [{ file: 'integration/cors', title: 'does not permit' }],
  },
  {
    name: 'preflight-key',
    cuts: [["[origin, pattern, requestedMethod, ...names].join('\\n')", "names.join('\\n')"]],
    tests: [{ file: 'integration/cors', title: 'for its origin' }],
  },
  {
    name: 'lapsing-bound',
    cuts: [['this.#entries.size >= this.#max', 'false']],
    tests: [{ file: 'unit/bounded-state' }],
  },
  {
    name: 'minted-conditions',
    cuts: [['ifMatch !== null && canNotMatch(ifMatch)', 'false']],
    tests: [{ file: 'integration/conditions', title: 'minted tag alone' }],
  },
  {
    name: 'no-transform',
    cuts: [['control !== null && forbidsTransform(control)', 'false']],
    tests: [{ file: 'integration/conditions', title: 'may not be transformed' }],
  },
  {
    name: 'no-transform-asked',
    cuts: [['cacheControl !== null && forbidsTransform(cacheControl)', 'false']],
    tests: [{ file: 'integration/conditions', title: 'may not be transformed' }],
  },
  {
    name: 'plain-digests',
    cuts: [['!OF_PLAIN_CONTENT.has(name)', 'true']],
    tests: [{ file: 'integration/conditions', title: 'digests of the plain form' }],
  },
  {
    name: 'remembered-fields',
    cuts: [['remembered.size >= MAX_REMEMBERED', 'false']],
    tests: [{ file: 'unit/http/encoding', title: 'stays bounded' }],
  },
  {
    name: 'definite-rejection',
    cuts: [['status !== null && DEFINITE_REJECTIONS.has(status)', 'false']],
    tests: [{ file: 'integration/rejected-writes' }],
  },
  {
    name: 'unaccepted-write',
    cuts: [['isAccepted ? names', 'true ? names']],
    tests: [{ file: 'unit/cache/invalidation' }],
  },
  {
    name: 'provisional-fences',
    cuts: [['this.#provisional.abandon(name)', 'false']],
    tests: [{ file: 'integration/strangers-leave-nothing', title: 'in Redis nothing is left' }],
  },
  {
    name: 'provisional-fences-here',
    cuts: [['this.#provisional.abandon(name)', 'false']],
    tests: [{ file: 'unit/stores/local-fences', title: 'leave nothing' }],
  },
  {
    name: 'kept-withdrawals',
    cuts: [['isHeld || (isKnown && version === asked)', 'true']],
    tests: [{ file: 'integration/strangers-leave-nothing' }],
  },
  {
    name: 'refused-meanwhile',
    cuts: [['this.asked.refused(key, sentAt)', 'void sentAt']],
    tests: [{ file: 'integration/refused-meanwhile' }],
  },
  {
    name: 'told-pins',
    cuts: [['effective !== undefined', 'effective !== undefined && pin.isKept']],
    tests: [{ file: 'integration/refused-meanwhile' }],
  },
  {
    name: 'told-apart-writes',
    cuts: [['this.#count < max', 'true']],
    tests: [{ file: 'unit/stores/pending-writes' }],
  },
  {
    name: 'restored-fence',
    cuts: [['this.#pending.remove(names, id)', 'await this.change(names)']],
    tests: [{ file: 'contract/fences' }],
  },
]
