/** What is measured: one object per table of the report. */
import { addressesBody, customerBody } from './peers/customer-body.ts'
import { addressesPath, customerPath } from './requests.ts'

/**
 * hit: 200 with the body, from store. not-modified: 304 to If-None-Match, from store.
 * forwarded: 200 with the body, and every request reaches the upstream.
 */
export type Expectation = 'hit' | 'not-modified' | 'forwarded'

export type Scenario = {
  readonly id: string
  readonly title: string
  /** Ids of those who can play it. */
  readonly contestants: readonly string[]
  readonly path: string
  readonly body: string
  readonly expect: Expectation
  /** The load comes at a fixed rate, and not as fast as it is answered. */
  readonly isPaced?: boolean
}

export const scenarios: readonly Scenario[] = [
  {
    id: 'hit',
    title: `200 from store, ${customerBody.length} bytes`,
    contestants: ['layby', 'nginx', 'varnish', 'plain-http-proxy', 'bare-node'],
    path: customerPath,
    body: customerBody,
    expect: 'hit',
  },
  {
    id: 'not-modified',
    title: '304 from store to If-None-Match',
    contestants: ['layby', 'nginx', 'varnish'],
    path: customerPath,
    body: customerBody,
    expect: 'not-modified',
  },
  {
    id: 'half-load',
    title: '200 from store at half of what Layby can answer: the latencies are what counts',
    contestants: ['layby', 'nginx', 'varnish'],
    path: customerPath,
    body: customerBody,
    expect: 'hit',
    isPaced: true,
  },
  {
    id: 'hit-tls',
    title: '200 from store over TLS 1.3',
    contestants: ['layby-tls', 'nginx-tls'],
    path: customerPath,
    body: customerBody,
    expect: 'hit',
  },
  {
    id: 'pass-through',
    title: 'pass-through of a read that is not cached',
    contestants: ['layby', 'plain-http-proxy'],
    path: addressesPath,
    body: addressesBody,
    expect: 'forwarded',
  },
]
