/**
 * `npm run demo -- --traffic`: steady sample traffic of four companies, so that dashboard and commands have something
 * to show. One of them misses at every read, for a reason that can be found.
 */
import type { NewToken } from './accounts.ts'
import { API_VERSIONS } from './accounts.ts'
import type { Random } from './data.ts'

/** One request to be made. */
export interface SampleCall {
  readonly method: 'GET' | 'PATCH'
  readonly tenant: string
  readonly token: string
  readonly customer: number
  readonly version: string
}

interface Company {
  readonly tenant: string
  /** Of all requests, 0 to 1. */
  readonly share: number
  readonly tokens: number
  /** Its people read customers 1 to this number, the first of them most. */
  readonly customers: number
  /** Each token asks for the next of these each time. */
  readonly versions: readonly string[]
  /** Of its requests, 0 to 1. */
  readonly writes: number
}

const LATEST = API_VERSIONS[5]
const COMPANIES: readonly Company[] = [
  { tenant: '7', share: 0.5, tokens: 8, customers: 40, versions: [LATEST], writes: 0.01 },
  { tenant: '9', share: 0.25, tokens: 3, customers: 20, versions: [LATEST], writes: 0.02 },
  // Half migrated: its programs share their tokens, and name the old version in one place and the new in another.
  // The upstream keeps the last one in mind for the client, so no read may be answered from the cache.
  {
    tenant: '12',
    share: 0.15,
    tokens: 2,
    customers: 10,
    versions: [API_VERSIONS[4], LATEST],
    writes: 0,
  },
  // Looks at each of many once: a cache can do little for it, and nothing is wrong.
  { tenant: '21', share: 0.1, tokens: 2, customers: 1_000, versions: [LATEST], writes: 0 },
]

/** The tokens that the traffic uses, to be made known to the upstream. */
export const TRAFFIC_TOKENS: readonly NewToken[] = COMPANIES.flatMap(({ tenant, tokens }) =>
  Array.from({ length: tokens }, (_, index) => ({
    token: tokenOf(tenant, index),
    clientId: `traffic-${tenant}-${index}`,
    roles: { [tenant]: 'Dispatcher' as const },
  })),
)

function tokenOf(tenant: string, index: number): string {
  return `demo-traffic.${tenant}-${index}`
}

/** A source of calls: the same random numbers give the same calls. */
export function planTraffic(random: Random): () => SampleCall {
  const asked = new Map<string, number>()
  return () => {
    const company = companyAt(random())
    const { tenant, versions } = company
    const token = tokenOf(tenant, Math.floor(random() * company.tokens))
    const turn = asked.get(token) ?? 0
    asked.set(token, turn + 1)
    return {
      method: random() < company.writes ? 'PATCH' : 'GET',
      tenant,
      token,
      customer: 1 + Math.floor(random() ** 2 * company.customers),
      version: versions[turn % versions.length] as string,
    }
  }
}

function companyAt(point: number): Company {
  let passed = 0
  for (const company of COMPANIES) {
    passed += company.share
    if (point < passed) return company
  }
  return COMPANIES[0] as Company
}

export interface TrafficOptions {
  /** Base URLs of the instances, asked in turn. */
  readonly urls: readonly string[]
  readonly random: Random
  /** 40 unless told. */
  readonly perSecond?: number
}

export interface Traffic {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/** So many requests may be under way; when they are, the next is left out and not made up for. */
const MAX_UNDER_WAY = 32

export function startTraffic({ urls, random, perSecond = 40 }: TrafficOptions): Traffic {
  const next = planTraffic(random)
  const underWay = new Set<Promise<void>>()
  const end = new AbortController()
  let made = 0
  const timer = setInterval(() => {
    if (underWay.size >= MAX_UNDER_WAY) return
    const url = urls[made++ % urls.length] as string
    const exchange = make(next(), url, made, end.signal)
    underWay.add(exchange)
    void exchange.finally(() => underWay.delete(exchange))
  }, 1_000 / perSecond)
  return {
    async stop() {
      clearInterval(timer)
      end.abort()
      await Promise.all(underWay)
    },
  }
}

/** Whatever comes back, or does not: the dashboard shows it. */
async function make(call: SampleCall, url: string, n: number, signal: AbortSignal): Promise<void> {
  const { method, tenant, token, customer, version } = call
  const headers = {
    authorization: `Bearer ${token}`,
    'x-tenant-id': tenant,
    'x-api-version': version,
    'content-type': 'application/json',
  }
  const body = method === 'PATCH' ? JSON.stringify({ name: `Renamed ${n}` }) : null
  try {
    const reply = await fetch(`${url}/customers/${customer}`, { method, headers, body, signal })
    await reply.arrayBuffer()
  } catch {
    // Broken off at the end, or Layby is gone: the next one will tell.
  }
}
