import type { NewToken } from './accounts.ts'

/** What each of the demo's callers may do; the names are those of its tokens. */
export type SampleCaller = 'dispatcher' | 'driver' | 'secondDriver' | 'clientCustomer' | 'neighbour'

/**
 * The demo's fixed tokens, for `curl` lines and benchmarks. All fit the API's header pattern; none
 * is a secret. The two drivers see the same bytes and can keep them fresh for one another. The
 * neighbour is a dispatcher of another company: tenant 9, where customer 1 is someone else.
 */
export const SAMPLE_TOKENS: Readonly<Record<SampleCaller, NewToken>> = {
  dispatcher: {
    token: 'demo-token.dispatcher',
    clientId: 'demo-office',
    roles: { '7': 'Dispatcher' },
  },
  driver: { token: 'demo-token.driver-1', clientId: 'demo-driver-app', roles: { '7': 'Driver' } },
  secondDriver: {
    token: 'demo-token.driver-2',
    clientId: 'demo-driver-app',
    roles: { '7': 'Driver' },
  },
  clientCustomer: {
    token: 'demo-token.client-customer',
    clientId: 'demo-portal',
    roles: { '7': 'ClientCustomer' },
  },
  neighbour: {
    token: 'demo-token.neighbour',
    clientId: 'demo-neighbour',
    roles: { '9': 'Dispatcher' },
  },
}

/** The n-th generated token of a benchmark: a dispatcher of tenant 7 with a client id of its own. */
export function benchToken(index: number): NewToken {
  return {
    token: `bench-token.${index}`,
    clientId: `bench-client-${index}`,
    roles: { '7': 'Dispatcher' },
  }
}
