/** What the demo prints: lines to try it with. */
import { SAMPLE_TOKENS } from './sample-tokens.ts'
import { TRAFFIC_TOKENS } from './traffic.ts'

export interface Addresses {
  readonly url: string
  readonly opsUrl: string
  readonly upstreamUrl: string
  /** Of the admin API; null: the operator has set one of their own, which is not repeated. */
  readonly adminToken: string | null
}

const headersOf = (token: string): string =>
  `-H 'Authorization: Bearer ${token}' -H 'X-Tenant-Id: 7' -H 'X-Api-Version: 2023/04/19'`

export function clientLines({ url, opsUrl, upstreamUrl }: Addresses): string {
  const dispatcher = headersOf(SAMPLE_TOKENS.dispatcher.token)
  const driver = headersOf(SAMPLE_TOKENS.driver.token)
  const secondDriver = headersOf(SAMPLE_TOKENS.secondDriver.token)
  return `
Layby answers on ${url}, its operations port is ${opsUrl}, the sample API is ${upstreamUrl}.
Look at Cache-Status and Age in what comes back.

  A miss, then a hit:
    curl -i ${url}/customers/1/ ${dispatcher}
    curl -i ${url}/customers/1/ ${dispatcher}

  A driver is shown other fields, and asks for itself; a second driver asks once, and from then on
  each keeps the bytes fresh for the other:
    curl -i ${url}/customers/1/ ${driver}
    curl -i ${url}/customers/1/ ${secondDriver}

  A write makes the next read ask again:
    curl -i -X PATCH ${url}/customers/1 ${dispatcher} -H 'Content-Type: application/json' -d '{"name": "New Name"}'
    curl -i ${url}/customers/1/ ${dispatcher}

  What the API really had to do, and what Layby counted:
    curl ${upstreamUrl}/__stats
    curl ${opsUrl}/metrics
`
}

/** For two instances that share a Redis. */
export function sharedLines(url: string, secondUrl: string): string {
  const headers = headersOf(SAMPLE_TOKENS.dispatcher.token)
  const json = `-H 'Content-Type: application/json'`
  return `  A second instance, ${secondUrl}, shares a Redis with the first. What one fills, the other has:
    curl -i ${url}/customers/2/ ${headers}
    curl -i ${secondUrl}/customers/2/ ${headers}   # detail=redis, and then detail=memory

  A write through one is seen through the other, which drops its copy when the message arrives:
    curl -i -X PATCH ${url}/customers/2 ${headers} ${json} -d '{"name": "Seen By Both"}'
    curl -i ${secondUrl}/customers/2/ ${headers}
`
}

/** For whoever runs it. The walk through them is in docs/operations.md. */
export function operatorLines({ opsUrl, adminToken }: Addresses, hasTraffic: boolean): string {
  const token = adminToken === null ? '' : `export LAYBY_OPS_ADMIN_TOKEN=${adminToken}; `
  const traffic = hasTraffic
    ? 'Four companies are asking, 40 times a second in all.'
    : 'With `npm run demo -- --traffic` it moves: four companies ask all the time.'
  const token12 = TRAFFIC_TOKENS.find(({ roles }) => '12' in roles)?.token
  return `For operators: ${opsUrl}/dashboard shows what happens. ${traffic}
In another terminal, here:
    ${token}alias layby='node .build/src/main.js'

  The same in the terminal; who asks most, and why they miss; what the next read of one would get, and why:
    layby top --url ${opsUrl}
    layby tenants --url ${opsUrl}
    printf ${token12} | layby explain --url ${opsUrl} --tenant 12 --customer 1 --version 2023/04/19 --token-stdin

  One customer is to be asked for anew, by all:
    layby purge --url ${opsUrl} --tenant 7 --customer 1

  What to make of it: docs/operations.md, A first look.

Stop with Ctrl+C.
`
}
