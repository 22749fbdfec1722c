/** What is wrong with the instance itself, its Redis and its certificates, in words. Pure; the dashboard's page runs this file as well. */
import type { Figures } from './figures.ts'
import type { Finding } from './finding.ts'
import type { RedisState, Snapshot } from './snapshot.ts'
import { percent, were, whole } from './words.ts'

/** Part of the time that the event loop works. */
const BUSY_FROM = 0.9
/** As the alert has it. */
const HEAP_FULL_FROM = 0.8
const LIMIT_NEAR_FROM = 0.9
const DAY_MS = 86_400_000
const EXPIRING_MS = 14 * DAY_MS

export function ofInstance(snapshot: Snapshot, figures: Figures, during: string): Finding[] {
  const findings: Finding[] = []
  if (figures.shed > 0) {
    const title = 'Requests are turned away'
    const text = `${whole(figures.shed)} ${were(figures.shed)} turned away ${during}, since this instance had too much under way.`
    findings.push({ code: 'shedding', state: 'bad', title, text, section: 'layby-shedding' })
  }
  if (!snapshot.isReady) {
    const title = 'This instance takes no new traffic'
    const text = 'This instance takes no new traffic: it is starting, or leaving.'
    const section = 'behind-a-balancer'
    findings.push({ code: 'not-ready', state: 'watch', title, text, section })
  }
  return [
    ...findings,
    ...ofEventLoop(figures, during),
    ...ofMemory(snapshot),
    ...ofCertificates(snapshot),
  ]
}

function ofEventLoop({ eventLoopShare }: Figures, during: string): Finding[] {
  if (eventLoopShare === null || eventLoopShare < BUSY_FROM) return []
  const title = 'The process has next to no time left'
  const text = `The event loop worked ${percent(eventLoopShare)} of the time ${during}: each request waits for others, and beyond server.maxEventLoopDelayMs some are turned away.`
  const section = 'layby-event-loop-slow'
  return [{ code: 'event-loop-busy', state: 'watch', title, text, section }]
}

function ofMemory({ memory: { residentBytes, limitBytes, heapShare } }: Snapshot): Finding[] {
  const share = residentBytes === null || limitBytes === null ? 0 : residentBytes / limitBytes
  if (heapShare < HEAP_FULL_FROM && share < LIMIT_NEAR_FROM) return []
  const title = 'Memory is near its limit'
  const text = `In use are ${percent(heapShare)} of the heap that Node.js allows itself and ${percent(share)} of what the process may have: near the end of the first it turns requests away, at the end of the second it is killed.`
  const section = 'layby-memory-near-limit'
  return [{ code: 'memory-near-limit', state: 'watch', title, text, section }]
}

function ofCertificates({ at, certificates }: Snapshot): Finding[] {
  return Object.entries(certificates)
    .filter(([, expiresAt]) => expiresAt - at < EXPIRING_MS)
    .map(([certificate, expiresAt]) => {
      const days = Math.floor((expiresAt - at) / DAY_MS)
      const isOver = expiresAt <= at
      const title = `The certificate "${certificate}" ${isOver ? 'has expired' : 'expires soon'}`
      const text = isOver
        ? `The certificate "${certificate}" has expired: handshakes fail.`
        : `The certificate "${certificate}" expires in ${days} days: handshakes fail from then on.`
      const state = isOver ? 'bad' : 'watch'
      const section = 'layby-certificate-expiring'
      return { code: 'certificate-expiring', state, title, text, section }
    })
}

export function ofRedis({ redis }: Snapshot, figures: Figures, during: string): Finding[] {
  if (redis === null) return []
  const findings: Finding[] = []
  if (!redis.isUp) {
    const title = 'Redis is down'
    const text =
      'Redis is down: each instance serves from its own memory and the API, and keeps new copies for a second at most.'
    findings.push({ code: 'redis-down', state: 'watch', title, text, section: 'layby-redis-down' })
  } else if (!redis.isBusLive) {
    const title = 'The bus is silent'
    const text =
      'The bus is silent: writes through other instances may not be heard, so new copies are kept for a second at most.'
    findings.push({ code: 'bus-silent', state: 'watch', title, text, section: 'layby-bus-gaps' })
  }
  findings.push(...ofRedisWrites(redis))
  if (figures.mismatches > 0) {
    const title = 'Values in Redis do not open'
    const text = `${whole(figures.mismatches)} values in Redis did not open ${during}: another secret, or something else writes there. They count as misses.`
    const section = 'layby-seal-mismatches'
    findings.push({ code: 'mismatches', state: 'watch', title, text, section })
  }
  return findings
}

function ofRedisWrites({ isUp, isWritable, pendingInvalidations }: RedisState): Finding[] {
  const findings: Finding[] = []
  if (isUp && !isWritable) {
    const title = 'Redis takes no writes'
    const text =
      'Redis takes no writes: what is there is served, nothing new is shared, and what a write makes old goes to the other instances until Redis takes it.'
    const section = 'layby-redis-takes-no-writes'
    findings.push({ code: 'redis-read-only', state: 'watch', title, text, section })
  }
  if (pendingInvalidations > 0) {
    const title = 'Invalidations are pending'
    const text = `${whole(pendingInvalidations)} invalidations of this instance have not been taken by Redis, or by other instances, so far: what lies under them is not served meanwhile.`
    const section = 'layby-invalidations-pending'
    findings.push({ code: 'invalidations-pending', state: 'watch', title, text, section })
  }
  return findings
}
