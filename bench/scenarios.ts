/** What is measured: one object per table of the report. */

import type { Headers } from './http-client.ts'
import { addressesBody, customerBody } from './peers/customer-body.ts'
import { addressesPath, anyCustomerPath, customerPath } from './requests.ts'

/**
 * hit: 200 with the body, from store. not-modified: 304 to If-None-Match, from store.
 * forwarded: 200 with the body, and every request reaches the upstream. cold: the same, each for another
 * customer, so that it is a cache's first read of it.
 */
export type Expectation = 'hit' | 'not-modified' | 'forwarded' | 'cold'

export type Scenario = {
  readonly id: string
  readonly title: string
  /** Ids of those who can play it. */
  readonly contestants: readonly string[]
  readonly path: string
  readonly body: string
  readonly expect: Expectation
  /** The load comes at half the rate of Layby's saturated hits, and not as fast as it is answered. */
  readonly isPaced?: boolean
  /** The load comes at this rate, in requests per second. */
  readonly rate?: number
  /** In place of what every client sends. */
  readonly headers?: Headers
  /** The content coding that the answer must have. */
  readonly coding?: 'identity' | 'gzip'
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
    id: 'hit-identity',
    title: '200 from store to a client that takes no coding: the same bytes from all',
    contestants: ['layby', 'nginx', 'varnish', 'bare-socket'],
    path: customerPath,
    body: customerBody,
    expect: 'hit',
    headers: { 'accept-encoding': 'identity' },
    coding: 'identity',
  },
  {
    id: 'hit-gzip',
    title: '200 from store to a client that takes gzip; nginx compresses each answer anew',
    contestants: ['layby', 'nginx-gzip', 'varnish-gzip'],
    path: customerPath,
    body: customerBody,
    expect: 'hit',
    headers: { 'accept-encoding': 'gzip' },
    coding: 'gzip',
  },
  {
    id: 'cold-miss',
    title: 'the first read of a customer, at 400 a second: the latencies are what counts',
    contestants: ['layby', 'plain-http-proxy', 'stand-in-upstream'],
    path: anyCustomerPath,
    body: customerBody,
    expect: 'cold',
    rate: 400,
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
